package client_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestForceOfOneOfManyLosesThatOne(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		one, other := acquire(t, c, "a"), acquire(t, c, "b")
		ctx := one.Context()
		start := time.Now()
		must[[]client.Holder](t)(s.Client(nil).Force(t.Context(), "a", nil))
		ended(t, ctx, client.ErrLost)
		near(t, time.Since(start), 0)
		time.Sleep(time.Minute)
		ok(t, other.Err())
		ok(t, must[context.Context](t)(c.Presence(t.Context())).Err())
		ok(t, acquire(t, c, "a").Err())
	})
}

func TestHoldReleasedByOthersIsMissedInTime(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		one, other := acquire(t, c, "a"), acquire(t, c, "b")
		ok(t, s.Client(nil).Release(t.Context(), "a", one.Token()))
		start := time.Now()
		ended(t, one.Context(), client.ErrLost)
		if d := time.Since(start); d > 10*second {
			t.Errorf("missed after %s", d)
		}
		ok(t, other.Err())
		start = time.Now()
		ok(t, c.Release(t.Context(), "b", other.Token()))
		ended(t, other.Context(), client.ErrLost)
		near(t, time.Since(start), 0)
	})
}

// While there is no connection, the events are missed.
func TestHoldsAreLookedAtAfterAReconnect(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc, cable := s.Cable()
		c := must[*client.Client](t)(client.New(nc, &client.Options{SessionTTL: 5 * time.Minute, Grace: time.Minute}))
		defer c.Close()
		var locks []*client.Lock
		for i := range 200 {
			locks = append(locks, acquire(t, c, fmt.Sprint(i)))
		}
		cable.Cut()
		must[[]client.Holder](t)(s.Client(nil).Force(t.Context(), "150", nil))
		time.Sleep(10 * second)
		ok(t, locks[150].Err())
		cable.Mend()
		start := time.Now()
		ended(t, locks[150].Context(), client.ErrLost)
		if d := time.Since(start); d > 2*second {
			t.Errorf("after %s", d)
		}
		synctest.Wait()
		for i, l := range locks {
			if i != 150 {
				ok(t, l.Err())
			}
		}
	})
}

func TestHoldsThatCannotBeLookedAtAreAskedFor(t *testing.T) {
	for _, r := range []*schema.Reply{
		{Status: schema.StatusLimit, Message: "too large"}, {Status: schema.StatusDenied, Message: "no"}, {Status: schema.StatusOK},
	} {
		bubble(t, func(t *testing.T) {
			p := &presences{unseen: r}
			s := respond(t, p.take)
			c := s.Client(byPresence)
			one, other := acquire(t, c, "a"), acquire(t, c, "b")
			delete(p.held, "a")
			s.wait()
			ended(t, one.Context(), client.ErrLost)
			ok(t, other.Err())
			s.pass(time.Minute)
			ok(t, other.Err())
			if p.renewals < 5 || p.renewals > 10 {
				t.Errorf("asked %d times in a minute", p.renewals)
			}
		})
	}
}

// Two Clients hold by one owner: what one releases, the other holds yet.
func TestReleaseEndsTheOwnPartOfAHold(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		opts := &client.Options{ID: "me"}
		c, other := s.Client(opts), s.Client(opts)
		mine, theirs := acquire(t, c, "a", client.Owner("o")), acquire(t, other, "a", client.Owner("o"))
		if mine.Token() != theirs.Token() {
			t.Fatal("two holds")
		}
		ok(t, mine.Release(t.Context()))
		time.Sleep(time.Minute)
		ok(t, theirs.Err())
		if h := state(t, c, "a").Holders; len(h) != 1 || len(h[0].Sessions) != 1 {
			t.Errorf("held by %+v", h)
		}
		again := acquire(t, c, "a", client.Owner("o"))
		ok(t, other.Close())
		ok(t, again.Err())
		ok(t, again.Release(t.Context()))
		if isHeld(t, c, "a") {
			t.Error("held yet")
		}
	})
}

func TestReconnectWhileHoldsAreLookedAtBeginsAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p, slow := new(presences), true
		names := map[string]bool{}
		s := respond(t, func(a asked) {
			if m, is := a.request.(*schema.Inspect); is {
				if slow {
					return
				}
				for _, name := range m.Names {
					names[name] = true
				}
			}
			p.take(a)
		})
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, &client.Options{SessionTTL: time.Minute}))
		defer c.Close()
		for i := range 200 {
			acquire(t, c, fmt.Sprint(i))
		}
		time.Sleep(61 * second)
		ok(t, nc.ForceReconnect())
		s.pass(10 * time.Millisecond)
		slow = false
		s.wait()
		s.pass(10 * second)
		if len(names) != 200 {
			t.Errorf("%d of 200 were looked at", len(names))
		}
	})
}
