package socket

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

func TestAClientConnects(t *testing.T) {
	for connect, want := range map[string][3]string{
		"40":                     {"40", "/", "{}"},
		`40{"token":"123"}`:      {"40", "/", `{"token":"123"}`},
		"40/custom,":             {"40/custom,", "/custom", "{}"},
		"40/custom":              {"40/custom,", "/custom", "{}"},
		`40/custom,{"n":1e400 }`: {"40/custom,", "/custom", `{"n":1e400 }`},
	} {
		inBubble(t, Config{}, func(t *testing.T, b *bubble) {
			p := b.dial()
			p.send(connect)
			var answer map[string]string
			if err := json.Unmarshal([]byte(p.wantPrefix(want[0])), &answer); err != nil || len(answer) != 1 {
				t.Errorf("%s: answer %v, %v", connect, answer, err)
			}
			p.want("42" + want[0][2:] + `["auth",` + want[2] + `]`)
			s := <-b.sockets
			if s.ID() != answer["sid"] || s.ID() == s.conn.session.ID() || s.Namespace() != want[1] || string(s.Auth()) != want[2] {
				t.Errorf("%s: socket %+v", connect, s)
			}
			if s.Handshake().Query.Get("EIO") != "4" || s.Context().Err() != nil {
				t.Errorf("%s: handshake %+v", connect, s.Handshake())
			}
		})
	}
}

func TestAClientConnectsToSeveralNamespaces(t *testing.T) {
	inBubble(t, Config{MaxNamespaces: 1}, func(t *testing.T, b *bubble) {
		p, _ := b.join()
		p.send("40/custom,", `42["message",1]`)
		p.want(`44/custom,{"message":"Too many namespaces"}`, `42["message-back",1]`)
		p.send("41", "40/custom,")
		p.wantPrefix(`40/custom,{"sid":"`)
		p.want(`42/custom,["auth",{}]`)
	})
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, first := b.join()
		p.send("40/custom")
		p.wantPrefix(`40/custom,{"sid":"`)
		p.want(`42/custom,["auth",{}]`)
		if second := <-b.sockets; first.ID() == second.ID() {
			t.Error("one id")
		}
		p.send(`42/custom,["message",1]`, `42["message",2]`, `42/custom,3["message-with-ack"]`)
		p.want(`42/custom,["message-back",1]`, `42["message-back",2]`, `43/custom,3[]`)
	})
}

func TestAClientIsRefused(t *testing.T) {
	for connect, want := range map[string]string{
		"40/random":                    `44/random,{"message":"Invalid namespace"}`,
		`40{"refuse":"with data"}`:     `44{"message":"unauthorized","data":{"code":401}}`,
		`40{"refuse":"with an error"}`: `44{"message":"Refused"}`,
	} {
		inBubble(t, Config{ConnectTimeout: 3 * time.Second}, func(t *testing.T, b *bubble) {
			p := b.dial()
			p.send(connect)
			p.want(want)
			p.send(`40{"right":true}`)
			p.wantPrefix("40")
			p.want(`42["auth",{"right":true}]`)
			p.send("41")
			b.wantReason(ReasonClient)
			p.send(connect)
			p.want(want)
			p.wantClosed()
			synctest.Wait()
			if len(b.reasons) > 0 {
				t.Errorf("%s: disconnected: %s", connect, <-b.reasons)
			}
		})
	}
}

func TestARefusalEndsTheSocket(t *testing.T) {
	var refused *Socket
	connect := func(s *Socket) error {
		refused = s
		if err := s.Go(func(ctx context.Context) { <-ctx.Done() }); err != nil {
			t.Error(err)
		}
		return &Refusal{Message: "no"}
	}
	inBubble(t, Config{Namespaces: map[string]Connect{"/": connect}}, func(t *testing.T, b *bubble) {
		p := b.dial()
		p.send("40")
		p.want(`44{"message":"no"}`)
		<-refused.Context().Done()
		var why *Disconnected
		if err := refused.Emit("late"); !errors.As(err, &why) || why.Reason != ReasonServer {
			t.Errorf("emit: %v", err)
		}
	})
}

func TestAConnectThatDisconnectsRefuses(t *testing.T) {
	connect := func(s *Socket) error {
		s.OnDisconnect(func(Reason) { t.Error("told") })
		s.Disconnect()
		return s.Emit("more")
	}
	inBubble(t, Config{Namespaces: map[string]Connect{"/": connect, "/late": func(s *Socket) error {
		s.Disconnect()
		return nil
	}}, ConnectTimeout: 3 * time.Second}, func(t *testing.T, b *bubble) {
		p := b.dial()
		p.send("40", "40/late", "40/late")
		p.want(`44{"message":"Refused"}`, `44/late,{"message":"Refused"}`, `44/late,{"message":"Refused"}`)
		p.wantClosed()
	})
}

func TestAClientThatConnectsToNothingIsClosed(t *testing.T) {
	inBubble(t, Config{ConnectTimeout: 3 * time.Second}, func(t *testing.T, b *bubble) {
		begun := time.Now()
		b.dial().wantClosed()
		if d := time.Since(begun); d != 3*time.Second {
			t.Errorf("closed after %v", d)
		}
		p, _ := b.join()
		time.Sleep(10 * time.Second)
		p.send("41")
		b.wantReason(ReasonClient)
		time.Sleep(2 * time.Second)
		p.send("40")
		p.wantPrefix("40")
		p.want(`42["auth",{}]`)
		time.Sleep(10 * time.Second)
		p.send(`42["message"]`)
		p.want(`42["message-back"]`)
	})
}

func TestAClientThatDoesNotConnectFirstIsClosed(t *testing.T) {
	for _, packets := range [][]string{
		{`42["message","x"]`}, {"41"}, {"430[]"}, {"41/custom"}, {"40/random", `42/random,["a"]`}, {"40", "40"},
	} {
		inBubble(t, Config{}, func(t *testing.T, b *bubble) {
			p := b.dial()
			for _, packet := range packets {
				_ = p.conn.Write(t.Context(), 1, []byte(packet))
			}
			for {
				if _, _, err := p.conn.Read(t.Context()); err != nil {
					break
				}
			}
			synctest.Wait()
			if n := b.server.Connections(); n != 0 {
				t.Errorf("%q: %d connections", packets, n)
			}
		})
	}
}

// All that a client sends at once, over polling, is read after the handlers are
// there.
func TestAFastClientLosesNothing(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		var open struct{ SID string }
		if err := json.Unmarshal([]byte(b.poll("", "")[1:]), &open); err != nil {
			t.Fatal(err)
		}
		if answer := b.poll(open.SID, "40\x1e42[\"message\",1]\x1e427[\"message-with-ack\",2]"); answer != "ok" {
			t.Errorf("answer %q", answer)
		}
		s := <-b.sockets
		want := `40{"sid":"` + s.ID() + "\"}\x1e42[\"auth\",{}]\x1e42[\"message-back\",1]\x1e437[2]"
		if got := b.poll(open.SID, ""); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestAConfigIsChecked(t *testing.T) {
	connect := func(*Socket) error { return nil }
	ok := map[string]Connect{"/": connect}
	for name, config := range map[string]Config{
		"no namespace":  {},
		"no slash":      {Namespaces: map[string]Connect{"a": connect}},
		"comma":         {Namespaces: map[string]Connect{"/a,b": connect}},
		"no Connect":    {Namespaces: map[string]Connect{"/": nil}},
		"Accept is set": {Namespaces: ok, Engine: engine.Config{Accept: func(*engine.Session) engine.Receiver { return nil }}},
		"negative":      {Namespaces: ok, MaxAttachments: -1},
		"of the engine": {Namespaces: ok, Engine: engine.Config{MaxPayload: -1}},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
