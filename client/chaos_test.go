package client_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
)

var chaosSeed = flag.Uint64("chaos.seed", 0, "what goes wrong in TestHoldersAreAloneWhateverGoesWrong; 0 takes a new one")

// witness sees who believes to hold what.
type witness struct {
	t      *testing.T
	mu     sync.Mutex
	held   map[string]*client.Lock
	tokens map[string]uint64
	grants int
}

// granted is told of every grant at once.
func (w *witness) granted(l *client.Lock) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if other := w.held[l.Name()]; other != nil && other.Err() == nil && l.Err() == nil {
		w.t.Errorf("%s is held with the tokens %d and %d", l.Name(), other.Token(), l.Token())
	}
	if l.Token() <= w.tokens[l.Name()] && l.Err() == nil {
		w.t.Errorf("%s: token %d after %d", l.Name(), l.Token(), w.tokens[l.Name()])
	}
	w.held[l.Name()] = l
	w.tokens[l.Name()] = max(l.Token(), w.tokens[l.Name()])
	w.grants++
}

func TestHoldersAreAloneWhateverGoesWrong(t *testing.T) {
	seed := *chaosSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-chaos.seed %d", seed)
	names := []string{"a", "b", "c"}
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		w := &witness{t: t, held: map[string]*client.Lock{}, tokens: map[string]uint64{}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var all sync.WaitGroup
		var conns []*nats.Conn
		var clients []*client.Client
		for i := range 8 {
			nc := s.Conn()
			opts := &client.Options{TTL: 5 * second}
			if i%2 == 0 {
				opts = &client.Options{SessionTTL: 5 * second, Grace: second}
			}
			c := must[*client.Client](t)(client.New(nc, opts))
			conns, clients = append(conns, nc), append(clients, c)
			all.Go(func() {
				r := rand.New(rand.NewPCG(seed, uint64(i)))
				for ctx.Err() == nil {
					contend(ctx, t, c, w, r, names)
				}
			})
		}
		r := rand.New(rand.NewPCG(seed, 100))
		for ctx.Err() == nil {
			time.Sleep(time.Duration(r.Int64N(int64(20 * second))))
			if r.IntN(3) == 0 {
				s.StopWorker()
				time.Sleep(time.Duration(r.Int64N(int64(8 * second))))
				s.StartWorker()
			} else if err := conns[r.IntN(len(conns))].ForceReconnect(); err != nil {
				t.Error(err)
			}
		}
		all.Wait()
		for _, c := range clients {
			ok(t, c.Close()) // when the worker is back: its answer is waited for
		}
		t.Logf("%d grants", w.grants)
		if w.grants < 500 {
			t.Errorf("only %d grants", w.grants)
		}
		// What could not be released while the worker was away for a TTL is left to that,
		// which began anew with the worker.
		time.Sleep(6 * second)
		for _, state := range must[[]client.LockState](t)(s.Client(nil).Inspect(t.Context(), names...)) {
			if *state.Held || len(state.Waiters) != 0 {
				t.Errorf("left behind: %+v", state)
			}
		}
	})
}

// contend takes a lock or several in one way or another, holds it for a while
// and gives it back.
func contend(ctx context.Context, t *testing.T, c *client.Client, w *witness, r *rand.Rand, names []string) {
	patience, cancel := context.WithTimeout(ctx, time.Duration(1+r.Int64N(int64(30*second))))
	defer cancel()
	hold := time.Duration(r.Int64N(int64(second)))
	if r.IntN(10) == 0 {
		hold = time.Duration(r.Int64N(int64(12 * second)))
	}
	name := names[r.IntN(len(names))]
	var err error
	switch r.IntN(4) {
	case 0:
		err = c.Do(patience, name, func(ctx context.Context, l *client.Lock) error {
			w.granted(l)
			return pause(ctx, hold)
		})
	case 1:
		var set *client.LockSet
		if set, err = c.AcquireAll(patience, names[:2]); err == nil {
			for _, l := range set.Locks() {
				w.granted(l)
			}
			err = errors.Join(pause(set.Context(), hold), set.Release(ctx))
		}
	case 2:
		var l *client.Lock
		if l, err = c.TryAcquire(patience, name); err == nil {
			w.granted(l)
			err = l.Release(ctx)
		} else {
			time.Sleep(hold)
		}
	default:
		var l *client.Lock
		if l, err = c.Acquire(patience, name); err == nil {
			w.granted(l)
			err = errors.Join(pause(l.Context(), hold), l.Release(ctx))
		}
	}
	for _, known := range []error{
		nil, client.ErrTimeout, client.ErrHeld, client.ErrLost, client.ErrUnavailable, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return
		}
	}
	t.Error(fmt.Errorf("unforeseen: %w", err))
}

// pause waits, and returns why not longer.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
