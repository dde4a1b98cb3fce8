package client

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/internal/bubbletest"
)

func TestWindowIsShorterThanTheTTL(t *testing.T) {
	for _, ttl := range []time.Duration{10 * time.Millisecond, time.Second, 30 * time.Second, 24 * time.Hour} {
		sent := 7 * time.Second
		end := trustedUntil(sent, ttl)
		if end >= sent+ttl-ttl/2000 || end < sent+ttl/2 {
			t.Errorf("ttl %s: trusted for %s", ttl, end-sent)
		}
		for range 1000 {
			if at := renewal(sent, ttl); at <= sent+ttl/4 || at > sent+fresh(ttl) {
				t.Fatalf("ttl %s: renewed after %s", ttl, at-sent)
			}
		}
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	for failures := range 100 {
		most := min(minBackoff<<min(failures, 20), maxBackoff)
		for range 100 {
			if d := backoff(failures); d < most/2 || d > most {
				t.Fatalf("%s after %d failures, want %s to %s", d, failures, most/2, most)
			}
		}
	}
}

// unkept makes a Client whose background never runs: as if the process had been
// stopped, and that were the last to go on.
func unkept(t *testing.T) *Client {
	options, err := (*Options)(nil).withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	return newClient(new(nats.Conn), new(bus.Caller), options) // not connected
}

// held makes a lock of a Client.
func held(c *Client, ttl time.Duration) *Lock {
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.adoptLocked(hold{"a", 1}, "o")
	l.noRenew = false
	l.trustLocked(c.now(), ttl)
	return l
}

// present makes a lock of a Client that is held by its session alone.
func present(c *Client, ttl time.Duration) *Lock {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.presenceLocked()
	p.aliveLocked(c.now(), ttl, 0)
	l := c.adoptLocked(hold{"a", 1}, "o")
	l.presence.Store(p)
	l.trustLocked(c.now(), 0)
	return l
}

func TestContextEndsThoughNothingElseRuns(t *testing.T) {
	for _, take := range []func(*Client, time.Duration) *Lock{held, present} {
		endsThoughNothingElseRuns(t, take)
	}
}

func endsThoughNothingElseRuns(t *testing.T, take func(*Client, time.Duration) *Lock) {
	const ttl = 30 * time.Second
	for name, ended := range map[string]func(ctx context.Context, l *Lock) bool{
		"Err of the lock":    func(_ context.Context, l *Lock) bool { return errors.Is(l.Err(), ErrLost) },
		"Err of the context": func(ctx context.Context, _ *Lock) bool { return ctx.Err() != nil },
		"Done": func(ctx context.Context, _ *Lock) bool {
			select {
			case <-ctx.Done():
				return errors.Is(context.Cause(ctx), ErrLost)
			default:
				return false
			}
		},
		"a new context": func(_ context.Context, l *Lock) bool { return l.Context().Err() != nil },
		"that of Do": func(_ context.Context, l *Lock) bool {
			h := newHeldContext(context.Background(), l)
			defer h.cancel(nil)
			return h.Err() != nil && errors.Is(context.Cause(h), ErrLost)
		},
		"that of the presence": func(_ context.Context, l *Lock) bool {
			p := l.presence.Load()
			return p == nil && l.Err() != nil || p != nil && p.Err() != nil
		},
		"that of a set": func(_ context.Context, l *Lock) bool {
			return (&LockSet{locks: []*Lock{l}}).Context().Err() != nil
		},
	} {
		bubbletest.Run(t, func(t *testing.T) {
			l := take(unkept(t), ttl)
			ctx := l.Context()
			time.Sleep(ttl - margin(ttl) - time.Nanosecond)
			if ended(ctx, l) {
				t.Errorf("%s: ended early", name)
			}
			time.Sleep(time.Nanosecond)
			if !ended(ctx, l) {
				t.Errorf("%s: not ended in time", name)
			}
		})
	}
}

func TestKeeperKeepsTimeInOrder(t *testing.T) {
	c := unkept(t)
	c.mu.Lock()
	defer c.mu.Unlock()
	var locks []*Lock
	for i := range 100 {
		l := c.adoptLocked(hold{"a", uint64(i) + 1}, "o")
		c.setLocked(l, instant((i*37)%100))
		locks = append(locks, l)
	}
	for i := 0; i < 100; i += 3 {
		locks[i].endLocked(ErrReleased)
	}
	last := instant(-1)
	for len(c.keeper.order) > 0 {
		l := c.keeper.order[0].(*Lock)
		if l.place.at < last || l.cause != nil {
			t.Fatalf("at %d after %d: %v", l.place.at, last, l.cause)
		}
		last = l.place.at
		c.dropLocked(l)
	}
	for h, n := c.locks["a"], 0; ; h, n = h.next, n+1 {
		if h == nil && n == 66 {
			break
		}
		if h == nil || h.cause != nil {
			t.Fatalf("lock %d of those held: %v", n, h)
		}
	}
}
