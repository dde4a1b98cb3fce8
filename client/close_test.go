package client_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestCloseReleasesWhatIsHeld(t *testing.T) {
	s := clienttest.New(t)
	c, other := s.Client(nil), s.Client(nil)
	var locks []*client.Lock
	for i := range 150 {
		locks = append(locks, acquire(t, c, fmt.Sprint(i)))
	}
	locks = append(locks, acquire(t, c, "s", client.Shared()), acquire(t, c, "s", client.Shared()))
	kept := acquire(t, c, "kept", client.NoRenew(), client.TTL(30*second))
	ctx := locks[0].Context()
	ok(t, c.Close())
	ok(t, c.Close())
	ended(t, ctx, client.ErrClosed)
	for _, l := range locks {
		wantErr(t, l.Err(), client.ErrClosed)
		if isHeld(t, other, l.Name()) {
			t.Errorf("%s is still held", l.Name())
		}
	}
	wantErr(t, kept.Err(), client.ErrClosed)
	if !isHeld(t, other, "kept") {
		t.Error("a lock that is left to its TTL was released")
	}
	_, err := c.TryAcquire(t.Context(), "x")
	wantErr(t, err, client.ErrClosed)
	_, err = c.Call(t.Context(), schema.VerbInspect, &schema.Inspect{Name: "x"})
	wantErr(t, err, client.ErrClosed)
	_, err = c.Watch(t.Context(), nil)
	wantErr(t, err, client.ErrClosed)
	wantErr(t, locks[0].Release(t.Context()), client.ErrClosed)
	wantErr(t, locks[0].Renew(t.Context(), 0), client.ErrClosed)
}

func TestCloseLetsWaitersGo(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, other := s.Client(nil), s.Client(nil)
		acquire(t, other, "a")
		over := make(chan error)
		for range 10 {
			go func() {
				_, err := c.Acquire(t.Context(), "a")
				over <- err
			}()
		}
		synctest.Wait()
		go func() { ok(t, c.Close()) }()
		for range 10 {
			wantErr(t, <-over, client.ErrClosed)
		}
		synctest.Wait()
		if w := state(t, other, "a").Waiters; len(w) != 0 {
			t.Errorf("%d waiters are left", len(w))
		}
	})
}

func TestCloseIsBoundedWhenTheServiceIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(&client.Options{Timeout: 3 * second})
		l := acquire(t, c, "a")
		s.StopWorker()
		start := time.Now()
		wantErr(t, c.Close(), client.ErrUnavailable)
		near(t, time.Since(start), 3*second)
		wantErr(t, l.Err(), client.ErrClosed)
	})
}

func TestCloseLeavesTheConnection(t *testing.T) {
	nc := clienttest.New(t).Conn()
	subscriptions := nc.NumSubscriptions()
	c := must[*client.Client](t)(client.New(nc, nil))
	acquire(t, c, "a")
	ok(t, c.Close())
	if n := nc.NumSubscriptions(); !nc.IsConnected() || n != subscriptions {
		t.Errorf("%s, %d subscriptions, %d before", nc.Status(), n, subscriptions)
	}
}
