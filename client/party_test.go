package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// reluctant answers acquires at once, and what may end a hold only from some
// time on.
func reluctant(t *testing.T, from time.Duration) (s *responder, ends *[]time.Time) {
	start := time.Now()
	ends = new([]time.Time)
	s = respond(t, func(a asked) {
		switch a.verb {
		case schema.VerbAcquire:
			a.answer(grant(a, 7+uint64(len(*ends))))
		case schema.VerbRelease, schema.VerbCancel:
			if time.Since(start) >= from {
				*ends = append(*ends, time.Now())
				a.answer(&schema.Reply{Status: schema.StatusReleased})
			}
		}
	})
	return s, ends
}

func TestOwnerOfALostLockHasItAgainAfterItIsGivenBack(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, ends := reluctant(t, 40*second)
		c := s.Client(nil)
		first := acquire(t, c, "a", client.Owner("o"))
		ended(t, first.Context(), client.ErrLost)
		again := must[*client.Lock](t)(c.Acquire(t.Context(), "a", client.Owner("o")))
		if len(*ends) != 1 || again.Token() != 8 {
			t.Errorf("given back %d times, token %d", len(*ends), again.Token())
		}
	})
}

func TestOwnerHasALockAgainAfterItsReleaseIsAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s, ends := reluctant(t, 20*second)
		c := s.Client(nil)
		first := acquire(t, c, "a", client.Owner("o"))
		brief, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		wantErr(t, first.Release(brief), client.ErrUnavailable)
		_, err := c.TryAcquire(brief, "a", client.Owner("o"))
		wantErr(t, err, context.DeadlineExceeded)
		brief, cancel = context.WithTimeout(t.Context(), second)
		defer cancel()
		_, err = c.TryAcquire(brief, "a", client.Owner("o"))
		wantErr(t, err, client.ErrUnavailable)
		_, err = c.Acquire(t.Context(), "a", client.Owner("o"), client.Wait(second))
		wantErr(t, err, client.ErrTimeout)
		acquire(t, c, "b", client.Owner("o"))
		acquire(t, c, "a")
		again := must[*client.Lock](t)(c.Acquire(t.Context(), "a", client.Owner("o")))
		if len(*ends) != 1 || again.Token() != 8 {
			t.Errorf("released %d times, token %d", len(*ends), again.Token())
		}
	})
}

func TestGrantToAnOwnerWhoseCancelIsOnItsWayIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var acquires []asked
		cancels := 0
		s := respond(t, func(a asked) {
			switch a.verb {
			case schema.VerbAcquire:
				acquires = append(acquires, a)
			case schema.VerbCancel:
				if cancels++; cancels == 2 {
					a.answer(&schema.Reply{Status: schema.StatusReleased})
				}
			}
		})
		c := s.Client(&client.Options{TTL: time.Hour})
		ctx, cancel := context.WithCancel(t.Context())
		over, got := make(chan error), make(chan *client.Lock)
		go func() {
			_, err := c.Acquire(ctx, "a", client.Owner("o"))
			over <- err
		}()
		s.wait()
		go func() { got <- acquire(t, c, "a", client.Owner("o")) }()
		s.wait()
		cancel()
		wantErr(t, <-over, client.ErrCanceled)
		s.wait()
		acquires[1].answer(grant(acquires[1], 7))
		s.wait()
		if len(acquires) != 2 || cancels != 1 {
			t.Fatalf("%d acquires, %d cancels", len(acquires), cancels)
		}
		s.wait()
		time.Sleep(10 * second)
		s.wait()
		acquires[2].answer(grant(acquires[2], 8))
		l := <-got
		s.wait()
		if l.Token() != 8 || cancels != 2 {
			t.Errorf("token %d, %d cancels", l.Token(), cancels)
		}
	})
}

func TestGivingUpLeavesTheHoldOfTheSameOwner(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cancels, acquires := 0, 0
		s := respond(t, func(a asked) {
			switch a.verb {
			case schema.VerbAcquire:
				if acquires++; acquires > 1 {
					a.answer(grant(a, 7))
				}
			case schema.VerbCancel:
				cancels++
				a.answer(&schema.Reply{Status: schema.StatusReleased})
			}
		})
		c := s.Client(&client.Options{TTL: time.Hour, Timeout: time.Minute})
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() {
			_, err := c.TryAcquire(ctx, "a", client.Owner("o"))
			over <- err
		}()
		s.wait()
		l := acquire(t, c, "a", client.Owner("o"))
		cancel()
		wantErr(t, <-over, client.ErrCanceled)
		s.wait()
		if cancels != 0 || l.Err() != nil {
			t.Errorf("%d cancels, %v", cancels, l.Err())
		}
	})
}

func TestOneOwnerFromManySides(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		done := make(chan error)
		for range 8 {
			go func() {
				for range 25 {
					l, err := c.Acquire(t.Context(), "a", client.Owner("o"))
					if err != nil {
						done <- err
						return
					}
					if err := l.Release(t.Context()); err != nil {
						done <- err
						return
					}
				}
				done <- nil
			}()
		}
		for range 8 {
			ok(t, <-done)
		}
		if isHeld(t, c, "a") {
			t.Error("still held")
		}
	})
}
