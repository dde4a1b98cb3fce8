package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestKeepaliveIsTrustedFromItsSending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		c := s.Client(byPresence)
		p.late = func(*schema.Keepalive) time.Duration { return second }
		s.wait()
		start := time.Now()
		l := acquire(t, c, "a")
		near(t, time.Since(start), second)
		p.mute = true
		s.wait()
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), window(10*second))
	})
}

func TestLateKeepaliveRevivesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		c := s.Client(&client.Options{Timeout: time.Minute})
		first, other := acquire(t, c, "a"), acquire(t, c, "b")
		p.late = func(*schema.Keepalive) time.Duration { return 8 * second }
		s.wait()
		ctx := first.Context()
		ended(t, ctx, client.ErrLost)
		wantErr(t, other.Err(), client.ErrLost)
		s.pass(time.Minute)
		wantErr(t, first.Err(), client.ErrLost)
		wantErr(t, first.Release(t.Context()), client.ErrLost, client.ErrNotHeld)
		lost := p.last().Session
		if len(p.leaves) != 1 || p.leaves[0] != lost || len(p.releases) != 0 {
			t.Errorf("left %q, %d releases", p.leaves, len(p.releases))
		}
		p.late = nil
		s.wait()
		ok(t, acquire(t, c, "a").Err())
		if p.last().Session == lost || p.last().N > 1 {
			t.Errorf("%+v after the loss of %s", p.last(), lost)
		}
	})
}

func TestSessionThatHasEndedIsLostAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		c := s.Client(byPresence)
		var locks []*client.Lock
		for i := range 10 {
			locks = append(locks, acquire(t, c, fmt.Sprint(i)))
		}
		kept := acquire(t, c, "kept", client.TTL(time.Minute))
		presence := must[context.Context](t)(c.Presence(t.Context()))
		old := p.last().Session
		p.end(old)
		s.wait()
		start := time.Now()
		ended(t, presence, client.ErrLost)
		if d := time.Since(start); d > 4*second {
			t.Errorf("after %s", d)
		}
		for _, l := range locks {
			wantErr(t, l.Err(), client.ErrLost)
		}
		ok(t, kept.Err())
		ok(t, acquire(t, c, "0").Err())
		if again := must[context.Context](t)(c.Presence(t.Context())); again == presence || again.Err() != nil {
			t.Errorf("the next presence: %v", again.Err())
		}
		if m := p.last(); m.Session == old || !m.Create || len(p.leaves) != 0 {
			t.Errorf("opened by %+v, left %q", m, p.leaves)
		}
	})
}

// An acquire is the first to hear that the session has ended.
func TestAcquireForASessionThatHasEndedIsMadeAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		c := s.Client(byPresence)
		l := acquire(t, c, "a")
		p.end(p.last().Session)
		s.wait()
		ok(t, acquire(t, c, "b").Err())
		wantErr(t, l.Err(), client.ErrLost)
		s.wait()
		if n := len(p.acquires); n != 3 || p.acquires[1].Request == p.acquires[2].Request || p.acquires[1].Session == p.acquires[2].Session {
			t.Errorf("%d acquires, the last by %+v", n, p.acquires[n-1])
		}
	})
}

func TestSessionsThatEndAtOnceAreGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, func(a asked) {
			p.take(a)
			if m, is := a.request.(*schema.Keepalive); is {
				p.end(m.Session)
			}
		})
		_, err := s.Client(byPresence).TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrSessionExpired)
		if n := len(p.acquires); n < 2 || n > 5 {
			t.Errorf("%d attempts", n)
		}
	})
}

func TestSessionThatIsRefusedIsSaidToWhoAcquires(t *testing.T) {
	for status, want := range map[schema.Status]error{
		schema.StatusLimit: client.ErrLimit, schema.StatusDenied: client.ErrDenied, schema.StatusInvalid: client.ErrInvalid,
	} {
		bubble(t, func(t *testing.T) {
			p := &presences{refuse: &schema.Reply{Status: status, Message: "no"}}
			s := respond(t, p.take)
			c := s.Client(byPresence)
			_, err := c.Acquire(t.Context(), "a")
			wantErr(t, err, want)
			_, err = c.Presence(t.Context())
			wantErr(t, err, want)
			p.refuse = nil
			s.wait()
			ok(t, acquire(t, c, "a").Err())
		})
	}
}

// The session is lost while a grant for it is on its way.
func TestGrantForALostSessionIsNotBelieved(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		var first *asked
		s := respond(t, func(a asked) {
			if m, is := a.request.(*schema.Acquire); is && m.Name == "b" && (first == nil || m.Session == first.request.(*schema.Acquire).Session) {
				first = &a
				return
			}
			p.take(a)
		})
		c := s.Client(byPresence)
		held := acquire(t, c, "a")
		got := make(chan *client.Lock)
		go func() { got <- must[*client.Lock](t)(c.Acquire(t.Context(), "b")) }()
		s.wait()
		p.mute = true
		s.wait()
		ended(t, held.Context(), client.ErrLost)
		s.wait() // the attempt may just have been repeated
		first.answer(grant(*first, 99))
		s.wait()
		p.mute = false
		s.wait()
		l := <-got
		if m := p.acquires[len(p.acquires)-1]; l.Token() == 99 || m.Session == first.request.(*schema.Acquire).Session {
			t.Errorf("token %d by %+v", l.Token(), m)
		}
	})
}

// Its place in the queue is lost, but not its caller's wish.
func TestWaitingAcquireOfALostSessionIsMadeAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		sessions := map[string]bool{}
		s := respond(t, func(a asked) {
			if m, is := a.request.(*schema.Acquire); is {
				if sessions[m.Session] = true; len(sessions) < 2 {
					return // it waits
				}
			}
			p.take(a)
		})
		c := s.Client(byPresence)
		must[context.Context](t)(c.Presence(t.Context()))
		got := make(chan *client.Lock)
		go func() { got <- must[*client.Lock](t)(c.Acquire(t.Context(), "a")) }()
		s.wait()
		p.end(p.last().Session)
		s.wait()
		start := time.Now()
		ok(t, (<-got).Err())
		if d := time.Since(start); d > 4*second || len(p.acquires) != 1 {
			t.Errorf("after %s: %d acquires", d, len(p.acquires))
		}
	})
}

func TestOutageLongerThanTheSessionTTL(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, other := s.Client(nil), s.Client(nil)
		l := acquire(t, c, "a")
		blocker := acquire(t, other, "b", client.TTL(time.Hour))
		waiting := make(chan error, 1)
		go func() {
			_, err := c.Acquire(t.Context(), "b", client.Wait(time.Hour))
			waiting <- err
		}()
		synctest.Wait()
		start := time.Now()
		s.StopWorker()
		ended(t, l.Context(), client.ErrLost)
		if d := time.Since(start); d > window(10*second) {
			t.Errorf("lost after %s", d)
		}
		time.Sleep(time.Minute)
		s.StartWorker()
		time.Sleep(12 * second) // at the latest when its session has been silent to the new worker for its TTL
		if isHeld(t, other, "a") {
			t.Error("what was lost is held yet")
		}
		ok(t, acquire(t, c, "a").Err())
		ok(t, blocker.Release(t.Context()))
		ok(t, <-waiting)
		synctest.Wait()
	})
}

func TestCloseWhileTheSessionIsOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := &presences{mute: true}
		s := respond(t, p.take)
		c := s.Client(byPresence)
		over := make(chan error)
		go func() {
			_, err := c.Acquire(t.Context(), "a")
			over <- err
		}()
		s.wait()
		start := time.Now()
		go func() { ok(t, c.Close()) }()
		wantErr(t, <-over, client.ErrClosed)
		s.wait()
		near(t, time.Since(start), 0)
		n := len(p.keepalives)
		s.pass(time.Minute)
		if len(p.acquires) != 0 || len(p.keepalives) != n {
			t.Errorf("%d acquires, %d keepalives after Close", len(p.acquires), len(p.keepalives)-n)
		}
	})
}

func TestOpeningThatNobodyWaitsForIsGivenUp(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := &presences{mute: true}
		s := respond(t, p.take)
		c := s.Client(byPresence)
		ctx, cancel := context.WithTimeout(t.Context(), 4*second)
		defer cancel()
		_, err := c.Acquire(ctx, "a")
		wantErr(t, err, client.ErrTimeout, context.DeadlineExceeded)
		s.wait()
		n := len(p.keepalives)
		s.pass(time.Minute)
		if len(p.keepalives) != n || n == 0 {
			t.Errorf("%d keepalives, then %d", n, len(p.keepalives))
		}
		_, err = c.TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrUnavailable)
		canceled, stop := context.WithCancel(t.Context())
		stop()
		if _, err = c.Presence(canceled); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestSessionIsLeftOnClose(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, other := s.Client(nil), s.Client(nil)
		presence := must[context.Context](t)(c.Presence(t.Context()))
		acquire(t, c, "a")
		next := make(chan *client.Lock)
		go func() { next <- must[*client.Lock](t)(other.Acquire(t.Context(), "a")) }()
		synctest.Wait()
		start := time.Now()
		ok(t, c.Close())
		ok(t, (<-next).Err())
		near(t, time.Since(start), 0)
		ended(t, presence, client.ErrClosed)
		_, err := c.Presence(t.Context())
		wantErr(t, err, client.ErrClosed)
	})
}
