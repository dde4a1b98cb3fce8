package socket

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

func TestEventsAreHandledInOrder(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, _ := b.join()
		p.send(`42["message",1,"2",{"3":[true],"b":1,"a":12345678901234567890}]`)
		p.want(`42["message-back",1,"2",{"3":[true],"b":1,"a":12345678901234567890}]`)
		for i := range 50 {
			p.send(fmt.Sprintf(`42["message",%d]`, i))
			p.want(fmt.Sprintf(`42["message-back",%d]`, i))
		}
		p.send(`42["unknown"]`, `42["message"]`)
		p.want(`42["message-back"]`)
	})
}

func TestEventsThatNothingHandlesHaveAHandler(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		s.OnOther(func(e *Event) {
			if e.Socket() != s {
				t.Error("another socket")
			}
			_ = e.Ack(e.Name, e.Asked())
		})
		p.send(`421["unknown",1]`, `422[3.0]`, `423["message-with-ack"]`)
		p.want(`431["unknown",true]`, `432["3.0",true]`, `433[]`)
	})
}

func TestAnEventIsAcknowledgedOnce(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		p.send(`42456["message-with-ack",1,"2",{"3":[false]}]`)
		p.want(`43456[1,"2",{"3":[false]}]`)
		events := make(chan *Event, 1)
		s.On("later", func(e *Event) { events <- e })
		p.send(`420["later"]`)
		e := <-events
		if err := e.Ack(func() {}); err == nil {
			t.Error("a function is sent")
		}
		if err := e.Ack(); err != nil {
			t.Error(err)
		}
		if err := e.Ack(); !errors.Is(err, ErrAcked) {
			t.Errorf("again: %v", err)
		}
		p.want("430[]")
		p.send(`42["later"]`)
		if e = <-events; e.Asked() {
			t.Error("asked")
		}
		if err := e.Ack(); !errors.Is(err, ErrNoAck) {
			t.Errorf("not asked: %v", err)
		}
		p.send(`421["later"]`, "41")
		e = <-events
		b.wantReason(ReasonClient)
		var why *Disconnected
		if err := e.Ack(); !errors.As(err, &why) || why.Reason != ReasonClient {
			t.Errorf("too late: %v", err)
		}
	})
}

func TestAnAnswerIsAnEventAndAnAcknowledgement(t *testing.T) {
	inBubble(t, Config{Engine: engine.Config{MaxBuffered: 1000}}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		large := strings.Repeat("x", 900) // one of the two would wait for the other
		s.On("ask", func(e *Event) {
			if err := e.Answer(e.Args[0], large); err != nil {
				t.Error(err)
			}
			if err := e.Ack(); e.Asked() && !errors.Is(err, ErrAcked) {
				t.Errorf("acknowledged again: %v", err)
			}
			if err := e.Answer(func() {}); err == nil {
				t.Error("a function is sent")
			}
		})
		synctest.Wait() // until all is known to be written
		p.send(`42["ask",1]`)
		p.want(`42["ask",1,"` + large + `"]`)
		synctest.Wait()
		p.send(`427["ask",2]`)
		p.want(`42["ask",2,"`+large+`"]`, `437[2,"`+large+`"]`)
		s.On("ask", func(e *Event) {
			if err := errors.Join(e.Ack(), e.Answer()); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		p.send(`428["ask"]`)
		p.want("438[]", `42["ask"]`)
	})
}

func TestWhoHasMuchToReadIsAnsweredInTurn(t *testing.T) {
	inBubble(t, Config{Engine: engine.Config{MaxBuffered: 1000}}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		large := strings.Repeat("x", 900)
		s.On("ask", func(e *Event) {
			if err := s.Go(func(ctx context.Context) {
				if err := e.AnswerInTurn(ctx, large); err != nil {
					t.Error(err)
				}
			}); err != nil {
				t.Error(err)
			}
		})
		for range 5 {
			p.send(`42["ask"]`)
		}
		synctest.Wait() // they wait for each other
		for range 5 {
			p.want(`42["ask","` + large + `"]`)
		}
		s.On("ask", func(e *Event) {
			ended, end := context.WithCancel(t.Context())
			end()
			if err := errors.Join(e.Answer(large), e.AnswerInTurn(ended, large)); !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
		})
		synctest.Wait()
		p.send(`42["ask"]`)
		synctest.Wait() // both have returned before anything is read
		p.want(`42["ask","` + large + `"]`)
	})
}

func TestArgumentsAreDecoded(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		events := make(chan *Event, 1)
		s.On("typed", func(e *Event) { events <- e })
		p.send(`42["typed",{"a":1},"x"]`)
		e := <-events
		var first struct{ A int }
		var second string
		if err := errors.Join(e.Decode(0, &first), e.Decode(1, &second)); err != nil || first.A != 1 || second != "x" {
			t.Errorf("decoded %v %q, %v", first, second, err)
		}
		for i, to := range map[int]any{0: &second, 2: &first, -1: &first} {
			if e.Decode(i, to) == nil {
				t.Errorf("argument %d as %T", i, to)
			}
		}
	})
}

func TestAClientAcknowledges(t *testing.T) {
	inBubble(t, Config{MaxAcks: 2}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		type answer struct {
			args string
			err  error
		}
		answers := make(chan answer, 10)
		ask := func(ctx context.Context, n int) {
			data, err := s.EmitAck(ctx, "question", n)
			answers <- answer{fmt.Sprintf("%s", data.Args), err}
		}
		go ask(t.Context(), 1)
		p.want(`420["question",1]`)
		go ask(t.Context(), 2)
		p.want(`421["question",2]`)
		ask(t.Context(), 3)
		if a := <-answers; !errors.Is(a.err, ErrBusy) {
			t.Errorf("third: %v", a.err)
		}
		p.send(`437["nobody asked"]`, `431["two",{"b":1}]`, `431["again"]`)
		if a := <-answers; a.err != nil || a.args != `["two" {"b":1}]` {
			t.Errorf("second: %v", a)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		go ask(ctx, 4)
		p.want(`422["question",4]`)
		if a := <-answers; !errors.Is(a.err, context.DeadlineExceeded) {
			t.Errorf("fourth: %v", a.err)
		}
		p.send("41")
		var why *Disconnected
		if a := <-answers; !errors.As(a.err, &why) || why.Reason != ReasonClient {
			t.Errorf("first: %v", a.err)
		}
		ask(t.Context(), 5)
		if a := <-answers; !errors.As(a.err, &why) {
			t.Errorf("fifth: %v", a.err)
		}
		if len(s.acks) != 0 {
			t.Errorf("%d are waited for", len(s.acks))
		}
	})
}

func TestReservedEventsAreNotEmitted(t *testing.T) {
	inBubble(t, Config{}, func(t *testing.T, b *bubble) {
		_, s := b.join()
		for _, name := range reserved {
			_, err := s.EmitAck(t.Context(), name)
			if !errors.Is(s.Emit(name), ErrReserved) || !errors.Is(err, ErrReserved) {
				t.Errorf("%s is emitted", name)
			}
		}
		if _, err := s.EmitAck(t.Context(), "a", func() {}); err == nil {
			t.Error("a function is sent")
		}
		if err := s.Emit("a", func() {}); err == nil {
			t.Error("a function is sent")
		}
	})
}

func TestAnEventIsEncodedOnceForMany(t *testing.T) {
	inBubble(t, Config{MaxAttachments: 1}, func(t *testing.T, b *bubble) {
		e, err := Encode("/", "news", 1, Binary("x"))
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			p, s := b.join()
			if err := s.EmitEncoded(e); err != nil {
				t.Error(err)
			}
			p.want(`451-["news",1,{"_placeholder":true,"num":0}]`, "x")
		}
		other, err := Encode("/custom", "news")
		_, s := b.join()
		if err := errors.Join(err, s.EmitEncoded(other)); !errors.Is(err, ErrNamespace) {
			t.Errorf("another namespace: %v", err)
		}
	})
}

func TestAMalformedPacketEndsTheConnection(t *testing.T) {
	inBubble(t, Config{MaxAttachments: 1}, func(t *testing.T, b *bubble) {
		for _, text := range malformed {
			p, _ := b.join()
			_ = p.conn.Write(t.Context(), 1, []byte("4"+text))
			p.wantClosed()
			b.wantReason(ReasonParseError)
		}
		b.wantAlive()
	})
}

func TestAttachmentsGoBothWays(t *testing.T) {
	inBubble(t, Config{MaxAttachments: 2}, func(t *testing.T, b *bubble) {
		p, _ := b.join()
		two := `{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
		p.send(`452-["message",` + two)
		p.sendBytes(1, 2, 3)
		p.sendBytes(4, 5, 6)
		p.want(`452-["message-back",`+two, "\x01\x02\x03", "\x04\x05\x06")
		p.send(`452-789["message-with-ack",` + two)
		p.sendBytes(1)
		p.sendBytes()
		p.want(`462-789[`+two, "\x01", "")
		p.send(`451-["message",{"_placeholder":true,"num":1},{"_placeholder":false,"num":0},{"num":"0"}]`)
		p.sendBytes(1)
		p.want(`42["message-back",{"_placeholder":true,"num":1},{"_placeholder":false,"num":0},{"num":"0"}]`)
		p.send(`450-["message"]`)
		p.want(`42["message-back"]`)
	})
}

func TestAttachmentsAreBounded(t *testing.T) {
	for name, send := range map[string]func(*peer){
		"too many":    func(p *peer) { p.send(`451025-["message"]`) },
		"without end": func(p *peer) { p.send(`451-["message"]`) },
		"out of turn": func(p *peer) { p.sendBytes(1) },
		"interrupted": func(p *peer) { p.send(`451-["message"]`); p.send(`42["message"]`) },
		"one more":    func(p *peer) { p.send(`451-["other"]`); p.sendBytes(1); p.sendBytes(2) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, Config{MaxAttachments: 2, AttachmentTimeout: 3 * time.Second}, func(t *testing.T, b *bubble) {
				p, _ := b.join()
				begun := time.Now()
				send(p)
				p.wantClosed()
				b.wantReason(ReasonParseError)
				if d := time.Since(begun); d > 3*time.Second || name != "without end" && d > 0 {
					t.Errorf("after %v", d)
				}
				b.wantAlive()
			})
		})
	}
}

// Attachments that come in time do not end the connection later.
func TestAttachmentsInTimeAreForgotten(t *testing.T) {
	inBubble(t, Config{MaxAttachments: 2, AttachmentTimeout: 3 * time.Second}, func(t *testing.T, b *bubble) {
		p, s := b.join()
		var got []Binary
		s.On("bytes", func(e *Event) {
			for i := range e.Args {
				bytes, _ := e.Binary(i)
				got = append(got, bytes)
			}
		})
		p.send(`452-["bytes",{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]`)
		time.Sleep(2 * time.Second)
		p.sendBytes(1)
		p.sendBytes(2)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if d := cmp.Diff([]Binary{{2}, {1}}, got); d != "" {
			t.Error(d)
		}
		p.send(`42["message"]`)
		p.want(`42["message-back"]`)
	})
}
