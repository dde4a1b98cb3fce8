package engine

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

func TestASessionOpensOverAWebsocket(t *testing.T) {
	inBubble(t, Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 1_000_000}, func(t *testing.T, b *bubble) {
		s := b.dial("")
		h := b.parseOpen(s.read())
		want := handshake{SID: h.SID, Upgrades: []string{}, PingInterval: 300, PingTimeout: 200, MaxPayload: 1_000_000}
		if d := cmp.Diff(want, h); d != "" {
			t.Error(d)
		}
		if e := <-b.sessions; !e.session.Upgraded() {
			t.Error("polled")
		}
		b.get(h.SID).want(t, 400, badRequest)
		b.post(h.SID, "4a").want(t, 400, badRequest)
		s.send("4alive")
		s.want("4alive")
	})
}

func TestMessagesGoBothWaysOverAWebsocket(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		s.send("4hello")
		s.want("4hello")
		bytes := []byte{1, 0x1e, 0xff}
		if err := s.conn.Write(t.Context(), websocket.MessageBinary, bytes); err != nil {
			t.Fatal(err)
		}
		if typ, data, err := s.conn.Read(t.Context()); err != nil || typ != websocket.MessageBinary || string(data) != string(bytes) {
			t.Errorf("read %v %q, %v", typ, data, err)
		}
		if err := e.session.Send(Message{Data: []byte("a")}, Message{Data: []byte("b")}); err != nil {
			t.Error(err)
		}
		s.want("4a", "4b")
		if err := e.session.Send(Message{Data: []byte("\x1e")}); !errors.Is(err, ErrText) {
			t.Errorf("send: %v", err)
		}
		s.send("6", "3", "4noop and pong are nothing")
		s.want("4noop and pong are nothing")
	})
}

func TestAMalformedFrameEndsTheSession(t *testing.T) {
	for _, text := range []string{"", "abc", "7", "4\xff", "0", "2", "2probe", "5"} {
		inBubble(t, Config{}, func(t *testing.T, b *bubble) {
			s, e := b.openSocket()
			s.send(text)
			s.wantClosed()
			e.wantClosed(t, ErrPacket)
			other, _ := b.openSocket()
			other.send("4alive")
			other.want("4alive")
		})
	}
}

func TestAFrameThatIsTooLargeEndsTheSession(t *testing.T) {
	inBubble(t, Config{MaxPayload: 100}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		most := "4" + strings.Repeat("x", 99)
		s.send(most)
		s.want(most)
		_ = s.conn.Write(t.Context(), websocket.MessageText, []byte(most+"x"))
		s.wantClosed()
		e.wantClosed(t, ErrTooLarge)
	})
}

func TestAWebsocketCloses(t *testing.T) {
	for name, end := range map[string]func(*socket) error{
		"packet": func(s *socket) error { return s.conn.Write(s.t.Context(), websocket.MessageText, []byte("1")) },
		"frame":  func(s *socket) error { return s.conn.Close(websocket.StatusNormalClosure, "") },
	} {
		inBubble(t, Config{}, func(t *testing.T, b *bubble) {
			s, e := b.openSocket()
			if err := end(s); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s.wantClosed()
			e.wantClosed(t, ErrClientClosed)
		})
	}
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		_ = s.conn.CloseNow()
		e.wantClosed(t, ErrTransport)
	})
}

func TestWebsocketsArePinged(t *testing.T) {
	inBubble(t, Config{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		begun := time.Now()
		for range 3 {
			s.want("2")
			s.send("3")
		}
		if d := time.Since(begun); d != 900*time.Millisecond {
			t.Errorf("3 pings in %v", d)
		}
		s.want("2")
		s.wantClosed()
		e.wantClosed(t, ErrPingTimeout)
		if d := time.Since(begun); d != 1400*time.Millisecond {
			t.Errorf("closed after %v", d)
		}
	})
}

func TestAWebsocketIsClosedAfterWhatWasSent(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		_ = e.session.Send(Message{Data: []byte("bye")})
		e.session.Close(nil)
		e.wantClosed(t, ErrClosed)
		s.want("4bye")
		if _, _, err := s.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestAWebsocketThatIsNotReadIsCutOff(t *testing.T) {
	for name, test := range map[string]func(*bubble, *echo){
		"too much": func(b *bubble, e *echo) {
			_ = e.session.Send(Message{Data: make([]byte, 900)})
			synctest.Wait()
			if err := e.session.Send(Message{Data: make([]byte, 900)}); !errors.Is(err, ErrSlowReader) {
				b.t.Errorf("send: %v", err)
			}
			e.wantClosed(b.t, ErrSlowReader)
		},
		"too long": func(b *bubble, e *echo) {
			begun := time.Now()
			_ = e.session.Send(Message{Data: make([]byte, 900)})
			e.wantClosed(b.t, ErrTransport)
			if d := time.Since(begun); d != 10*time.Second {
				b.t.Errorf("after %v", d)
			}
		},
		"closing": func(b *bubble, e *echo) {
			begun := time.Now()
			_ = e.session.Send(Message{Data: make([]byte, 900)})
			e.session.Close(nil)
			e.wantClosed(b.t, ErrClosed)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			if n := b.server.Sessions(); n != 0 {
				b.t.Errorf("%d sessions after %v", n, time.Since(begun))
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{MaxBuffered: 1000, CloseTimeout: 3 * time.Second}, func(t *testing.T, b *bubble) {
				_, e := b.openSocket()
				test(b, e)
			})
		})
	}
}

// The client goes away while the server writes to it.
func TestAWebsocketThatIsLostWhileWrittenTo(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		s, e := b.openSocket()
		_ = e.session.Send(Message{Data: make([]byte, 900)})
		synctest.Wait()
		_ = s.conn.CloseNow()
		e.wantClosed(t, ErrTransport)
	})
}

func TestARequestThatOnlySaysToBeAWebsocketIsRefused(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		a := b.do(t.Context(), "GET", "EIO=4&transport=websocket", "", "Upgrade", "websocket")
		if a.status < 400 || a.err != nil {
			t.Errorf("%d %q %v", a.status, a.body, a.err)
		}
		if n := b.server.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}
