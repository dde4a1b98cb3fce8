package socket

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

func TestAClientDisconnects(t *testing.T) {
	inBubble(t, Config{Engine: engine.Config{PingInterval: 300 * time.Millisecond}}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		p.send("40/custom")
		p.wantPrefix("40/custom,")
		p.want(`42/custom,["auth",{}]`)
		p.send("41/custom", `42/custom,["message","nobody"]`, "41/custom", `42["message","somebody"]`)
		p.want(`42["message-back","somebody"]`)
		b.wantReason(ReasonClient)
		p.send("41")
		b.wantReason(ReasonClient)
		var why *Disconnected
		if err := context.Cause(s.Context()); !errors.As(err, &why) || why.Reason != ReasonClient || why.Err != nil {
			t.Errorf("cause %v", err)
		}
		p.want("2") // the connection is still there
	})
}

func TestAClientIsKicked(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		_ = s.Emit("bye")
		s.Disconnect()
		s.Disconnect()
		if err := s.Emit("more"); err == nil {
			t.Error("emitted")
		}
		p.want(`42["bye"]`, "41")
		if _, _, err := p.conn.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusGoingAway {
			t.Errorf("closed: %v", err)
		}
		b.wantReason(ReasonServer)
	})
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		s.On("kick", func(*Event) { s.Disconnect() })
		p.send("40/custom")
		p.wantPrefix("40/custom,")
		p.want(`42/custom,["auth",{}]`)
		p.send(`42["kick"]`, `42["message","it does not know yet"]`, `42/custom,["message",1]`)
		p.want("41", `42/custom,["message-back",1]`)
		b.wantReason(ReasonServer)
		p.send("40")
		p.wantPrefix("40")
		p.want(`42["auth",{}]`)
	})
}

// A client reads what comes after the disconnect before it understands that, if it
// comes along with it: then it would think that the connection was lost, and come back.
func TestAPollingClientIsKickedBeforeItsConnectionEnds(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		var open struct{ SID string }
		if err := json.Unmarshal([]byte(b.poll("", "")[1:]), &open); err != nil {
			t.Fatal(err)
		}
		b.poll(open.SID, "40")
		b.poll(open.SID, "")
		(<-b.sockets).Disconnect()
		for _, want := range []string{"41", "1"} {
			if got := b.poll(open.SID, ""); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
		b.wantReason(ReasonServer)
	})
}

func TestAReasonIsGiven(t *testing.T) {
	for want, end := range map[Reason]func(*bubble, *peer, *Socket){
		ReasonTransportClose: func(_ *bubble, p *peer, _ *Socket) { _ = p.conn.Close(websocket.StatusNormalClosure, "") },
		ReasonPingTimeout: func(_ *bubble, p *peer, _ *Socket) {
			p.want("2")
			p.wantClosed()
		},
		ReasonTransportError: func(_ *bubble, p *peer, _ *Socket) {
			_ = p.conn.Write(p.t.Context(), websocket.MessageText, make([]byte, 101))
		},
		ReasonShutdown: func(b *bubble, p *peer, _ *Socket) {
			go p.wantClosed()
			if err := b.server.Shutdown(b.t.Context()); err != nil {
				b.t.Error(err)
			}
		},
		ReasonForced: func(_ *bubble, p *peer, s *Socket) { s.conn.session.Close(nil) },
	} {
		t.Run(string(want), func(t *testing.T) {
			inBubble(t, Config{Engine: engine.Config{MaxPayload: 100}}, func(t *testing.T, b *bubble) {
				p, s := b.join()
				end(b, p, s)
				b.wantReason(want)
				var why *Disconnected
				if err := context.Cause(s.Context()); !errors.As(err, &why) || why.Reason != want || why.Err == nil {
					t.Errorf("cause %v", err)
				}
			})
		})
	}
	for err, want := range map[error]Reason{
		engine.ErrTransport:                          ReasonTransportClose,
		fmt.Errorf("%w: more", engine.ErrSlowReader): ReasonTransportError,
		engine.ErrConcurrent:                         ReasonTransportError,
		engine.ErrPacket:                             ReasonParseError,
		ErrConnectTimeout:                            ReasonForced,
		errors.New("another"):                        ReasonForced,
	} {
		if reason := reasonOf(err); reason != want {
			t.Errorf("%v: %s, want %s", err, reason, want)
		}
	}
}

// A socket is told of its end when nothing of it runs any more.
func TestTheEndComesLast(t *testing.T) {
	inBubble(t, Config{MaxRunning: 2}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		var ended atomic.Int32
		run := func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(time.Second) // an answer that is on its way
			ended.Add(1)
		}
		s.OnDisconnect(func(Reason) {
			if n := ended.Load(); n != 3 {
				t.Errorf("told after %d", n)
			}
		})
		s.On("long", func(*Event) {
			for range 2 {
				if err := s.Go(run); err != nil {
					t.Error(err)
				}
			}
			if err := s.Go(run); !errors.Is(err, ErrBusy) {
				t.Errorf("third: %v", err)
			}
			run(s.Context())
		})
		p.send(`42["long"]`)
		synctest.Wait()
		begun := time.Now()
		s.Disconnect()
		b.wantReason(ReasonServer)
		if d := time.Since(begun); d != time.Second {
			t.Errorf("told after %v", d)
		}
		var why *Disconnected
		if err := s.Go(run); !errors.As(err, &why) {
			t.Errorf("late: %v", err)
		}
		p.want("41")
		p.wantClosed()
	})
}

func TestARunLeavesRoomForTheNext(t *testing.T) {
	inBubble(t, Config{MaxRunning: 1}, func(t *testing.T, b *bubble) {
		_, s := b.join()
		for range 5 {
			done := false
			if err := s.Go(func(context.Context) { done = true }); err != nil {
				t.Error(err)
			}
			synctest.Wait()
			if !done {
				t.Error("not run")
			}
		}
	})
}

func TestShutdownWaitsForWhatRuns(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		ended := false
		if err := s.Go(func(ctx context.Context) {
			<-ctx.Done()
			time.Sleep(10 * time.Second)
			ended = true
		}); err != nil {
			t.Fatal(err)
		}
		go p.wantClosed()
		if err := b.server.Shutdown(t.Context()); err != nil || !ended {
			t.Errorf("shutdown: %v, ended %v", err, ended)
		}
		b.wantReason(ReasonShutdown)
	})
}

// 300 clients are there at once, and each gets its own answers.
func TestManyClients(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		peers := make([]*peer, 300)
		for i := range peers {
			peers[i], _ = b.join()
		}
		if n := b.server.Connections(); n != len(peers) {
			t.Errorf("%d connections", n)
		}
		for i, p := range peers {
			p.send(fmt.Sprintf(`42%d["message-with-ack",%d]`, i, i))
		}
		for i, p := range peers {
			p.want(fmt.Sprintf(`43%d[%d]`, i, i))
		}
	})
}
