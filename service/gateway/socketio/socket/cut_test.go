package socket

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// judging is a server that keeps 100 bytes of a packet, reads 1000, and tells what it
// makes of an event.
func judging(t *testing.T, most int, test func(*testing.T, *bubble)) {
	t.Helper()
	connect := func(s *Socket) error {
		s.On("judge", func(e *Event) { _ = e.Answer(len(e.Args), fmt.Sprint(e.Err)) })
		s.On("ask", func(*Event) {
			_ = s.Go(func(ctx context.Context) {
				data, err := s.EmitAck(ctx, "question")
				_ = s.Emit("told", len(data.Args), fmt.Sprint(err))
			})
		})
		return nil
	}
	inBubble(t, Config{
		Engine:     engine.Config{MaxPayload: 100, MaxRead: 1000},
		Namespaces: map[string]Connect{"/": connect}, MaxAttachments: most,
	}, test)
}

// joins is a client that is connected to "/".
func (b *bubble) joins() *peer {
	b.t.Helper()
	p := b.dial()
	p.send("40")
	p.wantPrefix(`40{"sid":"`)
	return p
}

var long = strings.Repeat("x", 500)

func TestAnEventThatIsTooLargeIsRefusedAlone(t *testing.T) {
	refused := fmt.Sprintf("[0,%q]", engine.ErrTooLarge)
	judging(t, 0, func(t *testing.T, b *bubble) {
		p := b.joins()
		p.send(`42["judge","`+long+`"]`, `427["judge","`+long+`"]`, `42["`+long+`"]`, `428["judge"]`)
		p.want(`42["judge",`+refused[1:], `42["judge",`+refused[1:], "437"+refused)
		p.want(`42["judge",0,"<nil>"]`, `438[0,"<nil>"]`)
		p.send(`42["ask"]`)
		p.want(`420["question"]`)
		p.send(`430["` + long + `"]`)
		p.want(`42["told",` + refused[1:])
	})
}

func TestAConnectThatIsTooLargeIsRefused(t *testing.T) {
	judging(t, 0, func(_ *testing.T, b *bubble) {
		p := b.dial()
		p.send(`40{"token":"` + long + `"}`)
		p.want(`44{"message":"Too large"}`)
		p.send("40")
		p.wantPrefix(`40{"sid":"`)
	})
}

func TestBytesAreRefusedAndNothingElse(t *testing.T) {
	place := `{"_placeholder":true,"num":0}`
	large := make([]byte, 1000)
	judging(t, 1, func(_ *testing.T, b *bubble) {
		p := b.joins()
		p.send(`451-7["judge",` + place + `]`)
		p.sendBytes(1)
		p.want(`42["judge",1,"<nil>"]`, `437[1,"<nil>"]`)
		p.send(`451-7["judge",` + place + `]`) // whose attachment is too large
		p.sendBytes(large...)
		refused := fmt.Sprintf("1,%q]", engine.ErrTooLarge)
		p.want(`42["judge",`+refused, `437[`+refused)
		p.send(`451-7["judge",` + place + `,"` + long + `"]`) // which is too large
		p.sendBytes(large...)
		refused = fmt.Sprintf("0,%q]", engine.ErrTooLarge)
		p.want(`42["judge",`+refused, `437[`+refused)
	})
	for most, count := range map[int]int{0: 1, 1: maxAttachments} {
		judging(t, most, func(_ *testing.T, b *bubble) {
			p := b.joins()
			p.send(fmt.Sprintf(`45%d-7["judge",%s]`, count, place))
			for range count {
				p.sendBytes(1)
			}
			refused := fmt.Sprintf("1,%q]", ErrAttachments)
			p.want(`42["judge",`+refused, `437[`+refused)
			p.send(`42["judge"]`)
			p.want(`42["judge",0,"<nil>"]`)
		})
	}
}

func TestWhatIsTooLargeIsOtherwiseAsMalformed(t *testing.T) {
	for name, text := range map[string]string{
		"second connect": `40{"token":"` + long + `"}`,
		"disconnect":     "41" + long,
		"no event":       "42" + long,
		"of no type":     "4x" + long,
		"elsewhere":      `42/custom,["judge","` + long + `"]`,
	} {
		judging(t, 0, func(t *testing.T, b *bubble) {
			p := b.joins()
			_ = p.conn.Write(t.Context(), websocket.MessageText, []byte(text))
			if _, data, err := p.conn.Read(t.Context()); err == nil {
				t.Errorf("%s: read %q, want the end", name, data)
			}
		})
	}
}

func TestRefusedArgumentsAreNotDecoded(t *testing.T) {
	d := Data{Args: nil, Err: engine.ErrTooLarge}
	if err := d.Decode(0, new(any)); !errors.Is(err, engine.ErrTooLarge) {
		t.Error(err)
	}
}
