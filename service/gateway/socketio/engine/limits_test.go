package engine

import (
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
)

func TestSessionsAreBounded(t *testing.T) {
	inBubble(t, Config{MaxSessions: 2}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		s, _ := b.openSocket()
		a := b.get("")
		a.want(t, 503, `{"code":4,"message":"Too many sessions"}`)
		if a.header.Get("Retry-After") == "" {
			t.Error("no Retry-After")
		}
		if err := <-b.refused; !errors.Is(err, ErrTooManySessions) {
			t.Errorf("refused: %v", err)
		}
		b.post(sid, "1").want(t, 200, "ok")
		b.get(sid).want(t, 200, "6")
		e.wantClosed(t, ErrClientClosed)
		_, _ = b.open()
		s.send("1")
		s.wantClosed()
		synctest.Wait()
		_, _ = b.openSocket()
		b.get("").want(t, 503, `{"code":4,"message":"Too many sessions"}`)
	})
}

func TestARequestThatFailsTakesNoRoom(t *testing.T) {
	inBubble(t, Config{MaxSessions: 1}, func(t *testing.T, b *bubble) {
		for range 3 {
			b.do(t.Context(), "GET", "EIO=4&transport=websocket", "", "Upgrade", "websocket")
		}
		b.open()
	})
}

func TestSessionsAreAdmitted(t *testing.T) {
	admit := func(r *http.Request) error {
		switch r.URL.Query().Get("token") {
		case "right":
			return nil
		case "busy":
			return &Refusal{Status: http.StatusTooManyRequests, Code: 4, Message: "slow down"}
		}
		return errors.New("secret")
	}
	inBubble(t, Config{Admit: admit}, func(t *testing.T, b *bubble) {
		b.get("").want(t, 403, forbidden)
		b.do(t.Context(), "GET", polling("")+"&token=busy", "").want(t, 429, `{"code":4,"message":"slow down"}`)
		a := b.do(t.Context(), "GET", polling("")+"&token=right", "")
		sid := b.parseOpen(a.body).SID
		b.post(sid, "4not asked again").want(t, 200, "ok")
	})
}

func TestATransportCanBeDisabled(t *testing.T) {
	unknown := `{"code":0,"message":"Transport unknown"}`
	inBubble(t, Config{DisablePolling: true}, func(t *testing.T, b *bubble) {
		b.get("").want(t, 400, unknown)
		s, _ := b.openSocket()
		s.send("4alive")
		s.want("4alive")
	})
	inBubble(t, Config{DisableWebsocket: true}, func(t *testing.T, b *bubble) {
		b.do(t.Context(), "GET", "EIO=4&transport=websocket", "", "Upgrade", "websocket", "Connection", "Upgrade").want(t, 400, unknown)
		a := b.get("")
		if h := b.parseOpen(a.body); h.Upgrades == nil || len(h.Upgrades) != 0 {
			t.Errorf("open %q", a.body)
		}
	})
}

// A session may be closed, and written to, before its first packet is.
func TestAnAcceptThatClosesRefuses(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		accept := b.server.config.Accept
		b.server.config.Accept = func(s *Session) Receiver {
			r := accept(s)
			_ = s.Send(Message{Data: []byte("hello")})
			if s.Handshake().Query.Has("abort") {
				s.Abort(ErrForbidden)
			}
			return r
		}
		sid, _ := b.open()
		b.get(sid).want(t, 200, "4hello")
		s, _ := b.openSocket()
		s.want("4hello")
		a := b.do(t.Context(), "GET", polling("")+"&abort", "")
		(<-b.sessions).wantClosed(t, ErrForbidden)
		b.get(b.parseOpen(a.body).SID).want(t, 400, unknownID)
	})
}
