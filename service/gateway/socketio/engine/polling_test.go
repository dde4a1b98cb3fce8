package engine

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestASessionOpensOverPolling(t *testing.T) {
	inBubble(t, Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000}, func(t *testing.T, b *bubble) {
		a := b.get("")
		h := b.parseOpen(a.body)
		want := handshake{SID: h.SID, Upgrades: []string{"websocket"}, PingInterval: 300, PingTimeout: 200, MaxPayload: 1_000_000}
		if d := cmp.Diff(want, h); d != "" || len(h.SID) != 20 {
			t.Error(d)
		}
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("cached: %q", got)
		}
		e := <-b.sessions
		if e.session.ID() != h.SID || e.session.Upgraded() || b.server.Sessions() != 1 {
			t.Error("another session")
		}
	})
}

func TestTheHandshakeIsKept(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		b.do(t.Context(), "GET", polling("")+"&realm=r&client_id=42", "", "X-Token", "secret")
		h := (<-b.sessions).session.Handshake()
		if h.Query.Get("realm") != "r" || h.Query.Get("client_id") != "42" || h.Header.Get("X-Token") != "secret" ||
			h.Host != "natslock" || h.RemoteAddr == "" || h.Secure || !h.Time.Equal(time.Now()) {
			t.Errorf("handshake %+v", h)
		}
	})
}

func TestARequestThatIsNoneIsRefused(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, _ := b.open()
		version := `{"code":5,"message":"Unsupported protocol version"}`
		transport := `{"code":0,"message":"Transport unknown"}`
		method := `{"code":2,"message":"Bad handshake method"}`
		for _, c := range []struct{ method, query, want string }{
			{"GET", "transport=polling", version},
			{"GET", "EIO=3&transport=polling", version},
			{"GET", "EIO=abc&transport=polling", version},
			{"GET", "EIO=3&transport=websocket", version},
			{"GET", "EIO=4", transport},
			{"GET", "EIO=4&transport=abc", transport},
			{"POST", "EIO=4&transport=polling", method},
			{"PUT", "EIO=4&transport=polling", method},
			{"GET", "EIO=4&transport=websocket", badRequest},
			{"GET", "EIO=4&transport=websocket&sid=" + sid, badRequest},
			{"PUT", polling(sid), badRequest},
			{"GET", polling("unknown"), unknownID},
			{"POST", polling("unknown"), unknownID},
		} {
			a := b.do(t.Context(), c.method, c.query, "")
			a.want(t, http.StatusBadRequest, c.want)
			if err := <-b.refused; err == nil || a.header.Get("Content-Type") != "application/json" {
				t.Errorf("%s %s: %v, %v", c.method, c.query, err, a.header)
			}
		}
		b.post(sid, "4alive").want(t, 200, "ok")
		b.get(sid).want(t, 200, "4alive")
	})
}

func TestMessagesGoBothWaysOverPolling(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, _ := b.open()
		for _, body := range []string{"4hello", "4test1\x1e4test2\x1e4test3", "4hello\x1ebAQIDBA=="} {
			b.post(sid, body).want(t, 200, "ok")
			b.get(sid).want(t, 200, body)
		}
		waiting := b.later(func() answer { return b.get(sid) })
		b.post(sid, "4now").want(t, 200, "ok")
		(<-waiting).want(t, 200, "4now")
	})
}

func TestAMalformedBodyEndsTheSession(t *testing.T) {
	for _, body := range []string{"", "abc", "4a\x1e", "b=", "4\xff", "0", "2", "2probe", "5", "\x1e", "4a\x1e9"} {
		inBubble(t, Config{}, func(t *testing.T, b *bubble) {
			sid, e := b.open()
			waiting := b.later(func() answer { return b.get(sid) })
			b.post(sid, body).want(t, 400, badRequest)
			if a := <-waiting; a.status != 200 || !strings.HasSuffix("\x1e"+a.body, "\x1e1") && a.body != "4a" {
				t.Errorf("%q: GET: %d %q", body, a.status, a.body)
			}
			e.wantClosed(t, ErrPacket)
			b.get(sid).want(t, 400, unknownID)
			other, _ := b.open()
			b.post(other, "4alive").want(t, 200, "ok")
			b.get(other).want(t, 200, "4alive")
		})
	}
}

func TestABodyThatIsTooLargeEndsTheSession(t *testing.T) {
	for name, length := range map[string]int64{"known": 101, "unknown": -1} {
		inBubble(t, Config{MaxPayload: 100}, func(t *testing.T, b *bubble) {
			sid, e := b.open()
			b.post(sid, "4"+strings.Repeat("x", 99)).want(t, 200, "ok")
			r, err := http.NewRequestWithContext(t.Context(), "POST", "http://natslock/?"+polling(sid), io.NopCloser(strings.NewReader("4"+strings.Repeat("x", 100))))
			if err != nil {
				t.Fatal(err)
			}
			r.ContentLength = length
			response, err := b.client.Do(r)
			if err != nil || response.StatusCode != http.StatusRequestEntityTooLarge {
				t.Errorf("length %s: %v, %v", name, response, err)
			}
			_ = response.Body.Close()
			e.wantClosed(t, ErrTooLarge)
		})
	}
}

func TestASecondGetAtOnceEndsTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		first := b.later(func() answer { return b.get(sid) })
		b.get(sid).want(t, 400, badRequest)
		(<-first).want(t, 200, "1")
		e.wantClosed(t, ErrConcurrent)
		b.get(sid).want(t, 400, unknownID)
	})
}

func TestASecondPostAtOnceEndsTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		body, write := io.Pipe()
		defer write.Close()
		go func() {
			r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://natslock/?"+polling(sid), body)
			if response, err := b.client.Do(r); err == nil {
				_ = response.Body.Close()
			}
		}()
		_, _ = write.Write([]byte("4"))
		synctest.Wait()
		begun := time.Now()
		b.post(sid, "4b").want(t, 400, badRequest)
		e.wantClosed(t, ErrConcurrent)
		synctest.Wait() // the first is not read any more
		if d := time.Since(begun); d > time.Second {
			t.Errorf("took %v", d)
		}
	})
}

func TestABodyThatNeverEndsEndsTheSession(t *testing.T) {
	inBubble(t, Config{ReadTimeout: 3 * time.Second}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		body, write := io.Pipe()
		defer write.Close()
		begun := time.Now()
		go func() {
			r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://natslock/?"+polling(sid), body)
			if response, err := b.client.Do(r); err == nil {
				_ = response.Body.Close()
			}
		}()
		e.wantClosed(t, ErrTransport)
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("after %v", d)
		}
	})
}

func TestAGetThatIsCanceledEndsTheSession(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		ctx, cancel := context.WithCancel(t.Context())
		waiting := b.later(func() answer { return b.do(ctx, "GET", polling(sid), "") })
		cancel()
		<-waiting
		e.wantClosed(t, ErrTransport)
		b.get(sid).want(t, 400, unknownID)
	})
}

func TestPollingClientsArePinged(t *testing.T) {
	inBubble(t, Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		for range 3 {
			begun := time.Now()
			b.get(sid).want(t, 200, "2")
			if d := time.Since(begun); d != 300*time.Millisecond {
				t.Errorf("ping after %v", d)
			}
			time.Sleep(199 * time.Millisecond)
			b.post(sid, "3").want(t, 200, "ok")
		}
		begun := time.Now()
		b.get(sid).want(t, 200, "2")
		b.get(sid).want(t, 200, "1")
		e.wantClosed(t, ErrPingTimeout)
		if d := time.Since(begun); d != 500*time.Millisecond {
			t.Errorf("closed after %v", d)
		}
		b.get(sid).want(t, 400, unknownID)
	})
}

func TestAClientThatNeverPollsTimesOut(t *testing.T) {
	inBubble(t, Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		time.Sleep(500 * time.Millisecond)
		b.get(sid).want(t, 400, unknownID)
		e.wantClosed(t, ErrPingTimeout)
	})
}

func TestAPollingClientCloses(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		waiting := b.later(func() answer { return b.get(sid) })
		b.post(sid, "4last\x1e1\x1e4more").want(t, 200, "ok")
		(<-waiting).want(t, 200, "4last")
		b.get(sid).want(t, 200, "6")
		e.wantClosed(t, ErrClientClosed)
		b.get(sid).want(t, 400, unknownID)
		if d := cmp.Diff([]string{"last"}, e.got); d != "" {
			t.Error(d)
		}

		sid, e = b.open()
		b.post(sid, "1").want(t, 200, "ok")
		e.wantClosed(t, ErrClientClosed)
		time.Sleep(lingering / 2)
		b.get(sid).want(t, 200, "6")
		b.get(sid).want(t, 400, unknownID)

		sid, _ = b.open()
		b.post(sid, "1").want(t, 200, "ok")
		time.Sleep(lingering)
		b.get(sid).want(t, 400, unknownID)
	})
}

func TestAPollingSessionIsClosedAfterWhatWasSent(t *testing.T) {
	inBubble(t, Config{CloseTimeout: 5 * time.Second}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		_ = e.session.Send(Message{Data: []byte("bye")})
		reason := fmt.Errorf("no more")
		e.session.Close(reason)
		e.wantClosed(t, reason)
		if err := e.session.Send(Message{Data: []byte("more")}); err != reason {
			t.Errorf("send: %v", err)
		}
		time.Sleep(4 * time.Second)
		b.post(sid, "4hello").want(t, 400, unknownID)
		b.get(sid).want(t, 200, "4bye")
		b.get(sid).want(t, 200, "1")
		b.get(sid).want(t, 400, unknownID)

		sid, e = b.open()
		waiting := b.later(func() answer { return b.get(sid) })
		e.session.Close(nil)
		(<-waiting).want(t, 200, "1")
		e.wantClosed(t, ErrClosed)

		sid, e = b.open()
		_ = e.session.Send(Message{Data: []byte("lost")})
		e.session.Abort(nil)
		e.wantClosed(t, ErrClosed)
		b.get(sid).want(t, 400, unknownID)

		_, e = b.open()
		e.session.Close(nil)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := b.server.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

func TestOutputThatNobodyReadsEndsTheSession(t *testing.T) {
	inBubble(t, Config{MaxBuffered: 1000}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		var err error
		sent := 0
		for ; err == nil; sent++ {
			err = e.session.Send(Message{Data: make([]byte, 68)})
		}
		if err != ErrSlowReader || sent != 11 {
			t.Errorf("message %d: %v", sent, err)
		}
		e.wantClosed(t, ErrSlowReader)
		b.get(sid).want(t, 400, unknownID)
	})
}
