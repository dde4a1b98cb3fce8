package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const draining = `{"code":4,"message":"Shutting down"}`

func TestShutdownClosesEverySession(t *testing.T) {
	inBubble(t, Config{DrainSpread: 3 * time.Second, CloseTimeout: 2 * time.Second}, func(t *testing.T, b *bubble) {
		sid, polled := b.open()
		waiting := b.later(func() answer { return b.get(sid) })
		s, overSocket := b.openSocket()
		_, silent := b.open()
		_ = silent.session.Send(Message{Data: []byte("last")})
		probed, probing := b.open()
		probe := b.dial(probed)
		begun := time.Now()
		done := make(chan error, 1)
		go func() { done <- b.server.Shutdown(t.Context()) }()
		var readers sync.WaitGroup
		readers.Go(s.wantClosed)
		readers.Go(probe.wantClosed)
		synctest.Wait()
		b.get("").want(t, 503, draining)
		(<-waiting).want(t, 200, "1")
		time.Sleep(2500 * time.Millisecond)
		for _, e := range []*echo{polled, overSocket, silent, probing} {
			e.wantClosed(t, ErrShutdown)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if d := time.Since(begun); d < 2250*time.Millisecond || d > 5*time.Second {
			t.Errorf("took %v", d)
		}
		readers.Wait()
		b.get("").want(t, 503, draining)
		if err := b.server.Shutdown(t.Context()); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}

// Whoever reads nothing, closes nothing and sends a body forever is cut off when
// there is no more time.
func TestShutdownEndsWithItsContext(t *testing.T) {
	inBubble(t, Config{CloseTimeout: time.Hour, ReadTimeout: time.Hour, WriteTimeout: time.Hour, DrainSpread: time.Hour}, func(t *testing.T, b *bubble) {
		_, deaf := b.openSocket()
		_ = deaf.session.Send(Message{Data: make([]byte, 1000)})
		_, silent := b.open()
		sid, endless := b.open()
		body, write := io.Pipe()
		defer write.Close()
		go func() {
			r, _ := http.NewRequestWithContext(t.Context(), "POST", "http://natslock/?"+polling(sid), body)
			if response, err := b.client.Do(r); err == nil {
				_ = response.Body.Close()
			}
		}()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		begun := time.Now()
		if err := b.server.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("shutdown: %v", err)
		}
		if d := time.Since(begun); d != 4*time.Second {
			t.Errorf("took %v", d)
		}
		for _, e := range []*echo{deaf, silent, endless} {
			e.wantClosed(t, ErrShutdown)
		}
	})
}

// Many clients begin, talk and end while others do, and the server with them.
func TestShutdownWhileClientsComeAndGo(t *testing.T) {
	inBubble(t, Config{DrainSpread: time.Second, CloseTimeout: time.Second}, func(t *testing.T, b *bubble) {
		var clients sync.WaitGroup
		for i := range 20 {
			clients.Go(func() {
				for {
					a := b.get("")
					if a.status != 200 {
						return
					}
					sid := b.parseOpen(a.body).SID
					for n := range i + 1 {
						b.post(sid, fmt.Sprintf("4%d", n))
						b.get(sid)
						time.Sleep(10 * time.Millisecond)
					}
					b.post(sid, "1")
				}
			})
		}
		time.Sleep(100 * time.Millisecond)
		if err := b.server.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		clients.Wait()
	})
}
