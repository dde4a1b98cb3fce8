package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestGivingUpCancelsTheAttempt(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var attempts, cancels []string
		s := respond(t, func(a asked) {
			switch m := a.request.(type) {
			case *schema.Acquire:
				if len(attempts) == 0 || attempts[len(attempts)-1] != m.Request {
					attempts = append(attempts, m.Request)
				}
			case *schema.Cancel:
				cancels = append(cancels, m.Request)
				a.answer(&schema.Reply{Status: schema.StatusCanceled})
			}
		})
		c := s.Client(nil)
		ctx, cancel := context.WithTimeout(t.Context(), 8*second)
		defer cancel()
		_, err := c.Acquire(ctx, "a")
		wantErr(t, err, client.ErrTimeout)
		_, err = c.Acquire(t.Context(), "a", client.Wait(8*second))
		wantErr(t, err, client.ErrTimeout)
		_, err = c.TryAcquire(ctx, "a")
		wantErr(t, err, context.DeadlineExceeded) // never sent
		_, err = c.TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrUnavailable)
		_, err = c.Call(t.Context(), schema.VerbAcquire, &schema.Acquire{Name: "a", Wait: 2000})
		wantErr(t, err, client.ErrTimeout)
		s.wait()
		if len(attempts) != 4 || len(cancels) != 4 {
			t.Fatalf("%d attempts, %d cancels", len(attempts), len(cancels))
		}
		for i := range attempts {
			if attempts[i] != cancels[i] {
				t.Errorf("attempt %q, cancel %q", attempts[i], cancels[i])
			}
		}
		ok(t, c.Close())
	})
}

func TestCancelIsRepeatedUntilItIsAcknowledged(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cancels := 0
		s := respond(t, func(a asked) {
			if a.verb != schema.VerbCancel {
				return
			}
			switch cancels++; cancels {
			case 1:
			case 2:
				a.answer(&schema.Reply{Status: schema.StatusUnavailable, Message: "no leader"})
			case 3:
				a.answer(&schema.Reply{Status: schema.StatusInternal, Message: "oops"})
			case 4:
				a.answer(&schema.Reply{Status: schema.StatusLimit, Message: "the store is nearly full"})
			default:
				a.answer(&schema.Reply{Status: schema.StatusNotHeld})
			}
		})
		c := s.Client(nil)
		_, err := c.Acquire(t.Context(), "a", client.Wait(second))
		wantErr(t, err, client.ErrTimeout)
		time.Sleep(time.Minute)
		s.wait()
		if cancels != 5 {
			t.Errorf("%d cancels", cancels)
		}
		ok(t, c.Close())
	})
}

func TestCancelIsOfNoUseOnceTheHoldWouldBeOver(t *testing.T) {
	bubble(t, func(t *testing.T) {
		last, cancels := time.Now(), 0
		s := respond(t, func(a asked) {
			if a.verb == schema.VerbCancel {
				last, cancels = time.Now(), cancels+1
			}
		})
		c := s.Client(nil)
		_, err := c.Acquire(t.Context(), "a", client.Wait(second))
		wantErr(t, err, client.ErrTimeout)
		gaveUp := time.Now()
		time.Sleep(time.Hour)
		s.wait()
		if d := last.Sub(gaveUp); d > 31*second || cancels < 5 {
			t.Errorf("%d cancels, the last after %s", cancels, d)
		}
		ok(t, c.Close())
	})
}

func TestGrantThatArrivesAfterGivingUpIsReleased(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		holder, waiter, next := s.Client(nil), s.Client(nil), s.Client(nil)
		held := acquire(t, holder, "a", client.TTL(time.Hour))
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan error)
		go func() {
			_, err := waiter.Acquire(ctx, "a", client.TTL(time.Hour))
			over <- err
		}()
		synctest.Wait()
		s.StopWorker()
		cancel()
		wantErr(t, <-over, client.ErrCanceled)
		ctx, cancel = context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		wantErr(t, held.Release(ctx), client.ErrUnavailable) // in the background from now on
		s.StartWorker()
		l := must[*client.Lock](t)(next.Acquire(t.Context(), "a", client.Wait(10*second)))
		ok(t, l.Release(t.Context()))
	})
}

// Both copies of a request may be on their way when the first is refused: the
// second may be granted then, and its caller has gone.
func TestARefusalOfOneOfSeveralCopiesCancelsTheOthers(t *testing.T) {
	for _, status := range []schema.Status{schema.StatusHeld, schema.StatusLimit, schema.StatusSizeMismatch} {
		bubble(t, func(t *testing.T) {
			copies, held := 0, map[string]bool{}
			s := respond(t, func(a asked) {
				switch m := a.request.(type) {
				case *schema.Acquire:
					if copies++; copies == 2 {
						a.answer(&schema.Reply{Status: status})
						held[m.Request] = true
						a.answer(grant(a, 7))
						copies = 0
					}
				case *schema.Cancel:
					if m.Name != "a" || !held[m.Request] {
						t.Errorf("cancel %+v of %v", m, held)
					}
					delete(held, m.Request)
					a.answer(&schema.Reply{Status: schema.StatusReleased})
				}
			})
			c := s.Client(nil)
			_, err := c.TryAcquire(t.Context(), "a")
			wantErr(t, err, &client.Error{Status: status})
			_, err = c.TryAcquireAll(t.Context(), []string{"a", "b"})
			wantErr(t, err, &client.Error{Status: status})
			reply := must[*schema.Reply](t)(c.Call(t.Context(), schema.VerbAcquire, &schema.Acquire{Name: "a"}))
			if reply.Status != status {
				t.Errorf("called: %s", reply.Status)
			}
			ok(t, c.Close())
			s.wait()
			if len(held) != 0 {
				t.Errorf("%s: still held by %v", status, held)
			}
		})
	}
}

func TestARefusalOfTheOnlyCopyCancelsNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cancels := 0
		s := respond(t, func(a asked) {
			switch a.verb {
			case schema.VerbAcquire:
				a.answer(&schema.Reply{Status: schema.StatusHeld})
			case schema.VerbCancel:
				cancels++
			}
		})
		c := s.Client(nil)
		_, err := c.TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrHeld)
		ok(t, c.Close())
		s.wait()
		if cancels != 0 {
			t.Errorf("%d cancels", cancels)
		}
	})
}

// How what waited or held has ended is remembered: no copy finds it otherwise.
func TestWhatHasEndedForGoodIsNotCanceled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		copies, cancels := 0, 0
		s := respond(t, func(a asked) {
			switch a.verb {
			case schema.VerbAcquire:
				if copies++; copies%2 == 0 {
					a.answer(&schema.Reply{Status: schema.StatusCanceled})
				}
			case schema.VerbCancel:
				cancels++
			}
		})
		c := s.Client(nil)
		_, err := c.Acquire(t.Context(), "a")
		wantErr(t, err, client.ErrCanceled)
		ok(t, c.Close())
		s.wait()
		if copies != 2 || cancels != 0 {
			t.Errorf("%d copies, %d cancels", copies, cancels)
		}
	})
}

func TestNothingIsCanceledThatWasNeverSent(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, nil))
		nc.Close()
		_, err := c.TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrUnavailable)
		ok(t, c.Close())
	})
}
