//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

const (
	crowdLocks = 500             // each with one who holds it by presence, and one who waits for it
	crowdTTL   = 6 * time.Second // of their sessions
)

// couple is the two of one lock.
type couple struct {
	name         string
	holds, waits *client.Client
	lock         *client.Lock // of the one who holds it
	turn         chan error   // what came of the wait; then next is its lock
	next         *client.Lock
}

// couples are a thousand Clients on few connections.
type couples struct {
	wire *wire
	all  []*couple
}

// The server is stopped, and killed, while a thousand sessions live. All go on: who
// holds holds, who waits waits and has its turn, and nobody is taken for silent
// who is kept alive. Not beside other tests: the sessions must be kept alive.
func TestThousandSessionsOutliveTheServer(t *testing.T) {
	addr, data := freeAddr(t), t.TempDir()
	serve := func() *process {
		p := start(t, "serve", "--data", data, "--nats", addr, "--log-level", "warn")
		if _, err := p.awaitReady(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := serve()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := newCouples(ctx, t, addr)

	c.unharmed(ctx, t, c.all)
	if err := p.stop(); err != nil {
		t.Fatal(err)
	}
	p = serve()
	c.unharmed(ctx, t, c.all)
	early, late := c.all[:crowdLocks/2], c.all[crowdLocks/2:]
	c.each(t, early, func(two *couple) error { return two.handOver(ctx) })

	p.kill()
	serve()
	woke := now()
	c.unharmed(ctx, t, late)
	pause(ctx, woke+crowdTTL+time.Second-now())
	c.unharmed(ctx, t, late)
	c.each(t, late, func(two *couple) error { return two.handOver(ctx) })
	c.each(t, c.all, func(two *couple) error { return two.part() })
	if a, err := c.wire.ask(ctx, schema.JSON, schema.VerbList, "", &schema.List{}); err != nil || len(a.Locks) != 0 {
		t.Errorf("held at the end: %+v, %v", a.Locks, err)
	}
}

// newCouples returns when all who hold do, and all who wait are seen to.
func newCouples(ctx context.Context, t *testing.T, addr string) *couples {
	t.Helper()
	c := &couples{wire: newWire(t, dial(t, addr), "crowd")}
	for i := range crowdLocks {
		c.all = append(c.all, &couple{name: fmt.Sprintf("lock-%d", i), turn: make(chan error, 1)})
	}
	for i := range connections {
		nc := dial(t, addr)
		for n := i; n < crowdLocks; n += connections {
			two := c.all[n]
			for id, place := range map[string]**client.Client{"holds-" + two.name: &two.holds, "waits-" + two.name: &two.waits} {
				member, err := client.New(nc, &client.Options{Realm: "crowd", ID: id, SessionTTL: crowdTTL, Grace: crowdTTL, Timeout: clientTimeout})
				if err != nil {
					t.Fatal(err)
				}
				*place = member
			}
		}
	}
	c.each(t, c.all, func(two *couple) (err error) {
		if two.lock, err = two.holds.Acquire(ctx, two.name); err != nil {
			return err
		}
		go func() {
			next, err := two.waits.Acquire(ctx, two.name)
			two.next = next
			two.turn <- err
		}()
		for ctx.Err() == nil {
			l, err := c.look(ctx, two)
			if err != nil || len(l.Waiters) > 0 {
				return err
			}
			pause(ctx, again)
		}
		return ctx.Err()
	})
	return c
}

// each does something with couples, at once.
func (c *couples) each(t *testing.T, some []*couple, do func(*couple) error) {
	t.Helper()
	errs := make([]error, len(some))
	var work sync.WaitGroup
	for i, two := range some {
		work.Go(func() {
			if err := do(two); err != nil {
				errs[i] = fmt.Errorf("%s: %w", two.name, err)
			}
		})
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// look inspects the lock of a couple.
func (c *couples) look(ctx context.Context, two *couple) (l schema.LockState, err error) {
	a, err := c.wire.ask(ctx, schema.MessagePack, schema.VerbInspect, "", &schema.Inspect{Name: two.name})
	if err == nil && len(a.Locks) != 1 {
		err = unexpected(schema.VerbInspect, &a)
	}
	if err != nil {
		return l, err
	}
	return a.Locks[0], nil
}

// unharmed finds that those who hold still do, that those who wait still do, and
// that both think so.
func (c *couples) unharmed(ctx context.Context, t *testing.T, some []*couple) {
	t.Helper()
	c.each(t, some, func(two *couple) error {
		l, err := c.look(ctx, two)
		if err != nil {
			return err
		}
		if len(l.Holders) != 1 || l.Holders[0].Token != two.lock.Token() || len(l.Waiters) != 1 || l.Waiters[0].Client != "waits-"+two.name {
			return fmt.Errorf("the lock is %+v, want %d and one who waits", l, two.lock.Token())
		}
		select {
		case err := <-two.turn:
			return fmt.Errorf("the wait is over, while another holds: %w", err)
		default:
			return two.lock.Err()
		}
	})
}

// handOver releases, and has the other take its turn.
func (two *couple) handOver(ctx context.Context) error {
	token := two.lock.Token()
	if err := two.lock.Release(ctx); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	if err := <-two.turn; err != nil {
		return fmt.Errorf("its turn: %w", err)
	}
	if two.next.Token() <= token {
		return fmt.Errorf("token %d after %d", two.next.Token(), token)
	}
	return two.next.Err()
}

// part ends both sessions, and the hold of the second with it, which has been
// its own until now.
func (two *couple) part() error {
	held := two.next.Err()
	return errors.Join(held, two.holds.Close(), two.waits.Close())
}
