package engine

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
)

func TestAWebsocketTakesOver(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		waiting := b.later(func() answer { return b.get(sid) })
		s := b.dial(sid)
		s.send("2probe")
		s.want("3probe")
		(<-waiting).want(t, 200, "6")
		b.get(sid).want(t, 200, "6")
		s.send("5", "4hello")
		s.want("4hello")
		if !e.session.Upgraded() {
			t.Error("polled")
		}
		b.get(sid).want(t, 400, badRequest)
		b.post(sid, "4a").want(t, 400, badRequest)
		b.dial(sid).wantClosed()
		s.send("4alive")
		s.want("4alive")
	})
}

func TestAGetThatWaitsInAnUpgradeIsRefused(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, _ := b.open()
		s := b.dial(sid)
		s.send("2probe")
		s.want("3probe")
		waiting := b.later(func() answer { return b.get(sid) })
		s.send("5")
		(<-waiting).want(t, 400, badRequest)
		s.send("4alive")
		s.want("4alive")
	})
}

func TestASecondWebsocketIsClosed(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, _ := b.open()
		first := b.dial(sid)
		synctest.Wait() // it is the first of both
		b.dial(sid).wantClosed()
		first.send("2probe")
		first.want("3probe")
		b.dial(sid).wantClosed()
		first.send("5", "4alive")
		first.want("4alive")
	})
}

func TestAnUpgradeThatFailsEndsNothing(t *testing.T) {
	for name, fail := range map[string]func(*socket){
		"no probe": func(s *socket) { s.send("4hello"); s.wantClosed() },
		"no upgrade": func(s *socket) {
			s.send("2probe")
			s.want("3probe")
			s.send("4hello")
			s.wantClosed()
		},
		"malformed": func(s *socket) { s.send("x"); s.wantClosed() },
		"binary": func(s *socket) {
			_ = s.conn.Write(s.t.Context(), websocket.MessageBinary, []byte("2probe"))
			s.wantClosed()
		},
		"lost": func(s *socket) {
			s.send("2probe")
			s.want("3probe")
			_ = s.conn.CloseNow()
			synctest.Wait()
		},
		"silent": func(s *socket) {
			begun := time.Now()
			s.wantClosed()
			if d := time.Since(begun); d != 2*time.Second {
				s.t.Errorf("closed after %v", d)
			}
		},
		"undecided": func(s *socket) { s.send("2probe"); s.want("3probe"); s.wantClosed() },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{UpgradeTimeout: 2 * time.Second}, func(t *testing.T, b *bubble) {
				sid, _ := b.open()
				fail(b.dial(sid))
				synctest.Wait()
				b.post(sid, "4alive").want(t, 200, "ok")
				b.get(sid).want(t, 200, "4alive")
				s := b.dial(sid)
				s.send("2probe")
				s.want("3probe")
				s.send("5", "4upgraded")
				s.want("4upgraded")
			})
		})
	}
}

func TestASessionThatEndsTakesItsUpgradeAlong(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		s := b.dial(sid)
		s.send("2probe")
		s.want("3probe")
		b.post(sid, "garbage").want(t, 400, badRequest)
		s.wantClosed()
		e.wantClosed(t, ErrPacket)
	})
}

// A client that has begun to upgrade polls no more: what was sent before the end
// reaches it over the websocket.
func TestASessionThatIsClosedInAnUpgradeIsReadToItsEnd(t *testing.T) {
	inBubble(t, Config{CloseTimeout: 5 * time.Second}, func(t *testing.T, b *bubble) {
		sid, e := b.open()
		s := b.dial(sid)
		s.send("2probe")
		s.want("3probe")
		_ = e.session.Send(Message{Data: []byte("bye")})
		e.session.Close(nil)
		e.wantClosed(t, ErrClosed)
		s.send("5")
		s.want("4bye")
		if _, _, err := s.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("closed: %v", err)
		}

		sid, e = b.open()
		s = b.dial(sid)
		s.send("2probe")
		s.want("3probe")
		begun := time.Now()
		e.session.Close(nil)
		s.wantClosed()
		if d := time.Since(begun); d != 5*time.Second {
			t.Errorf("cut off after %v", d)
		}
	})
}

// A client does what the protocol says: it posts, polls, and when a websocket
// answers its probe stops to poll and goes on over that. All the time both sides
// send numbers.
func TestNothingIsLostOrOvertakenInAnUpgrade(t *testing.T) {
	inBubble(t, Config{MaxBuffered: 1 << 24}, func(t *testing.T, b *bubble) {
		for round := range 200 {
			b.upgradeWhileTalking(round % 7)
		}
	})
}

func (b *bubble) upgradeWhileTalking(posts int) {
	const total = 24
	sid, e := b.open()
	e.mu.Lock()
	e.deaf = true
	e.mu.Unlock()
	var want []string
	for i := range total {
		want = append(want, fmt.Sprint(i))
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		for _, number := range want {
			_ = e.session.Send(Message{Data: []byte(number)})
			time.Sleep(time.Millisecond)
		}
	}()
	var got []string
	take := func(payload string) {
		for text := range strings.SplitSeq(payload, "\x1e") {
			if number, ok := strings.CutPrefix(text, "4"); ok {
				got = append(got, number)
			}
		}
	}
	upgrading := make(chan *socket, 1)
	go func() {
		s := b.dial(sid)
		s.send("2probe")
		s.want("3probe")
		upgrading <- s
	}()
	next := 0
	for range posts {
		b.post(sid, "4"+want[next]+"\x1e4"+want[next+1]).want(b.t, 200, "ok")
		next += 2
		take(b.get(sid).body)
	}
	var s *socket
	for s == nil {
		select {
		case s = <-upgrading:
		default:
			take(b.get(sid).body)
		}
	}
	s.send("5")
	for ; next < total; next++ {
		s.send("4" + want[next])
	}
	for len(got) < total {
		take(s.read())
	}
	<-sent
	synctest.Wait()
	if d := cmp.Diff(want, got); d != "" {
		b.t.Errorf("the client received %s", d)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if d := cmp.Diff(want, e.got); d != "" {
		b.t.Errorf("the server received %s", d)
	}
	_ = s.conn.CloseNow()
}
