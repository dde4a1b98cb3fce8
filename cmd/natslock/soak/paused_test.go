//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

const (
	pauseFor = 15 * time.Second
	pauseTTL = 9 * time.Second
	endsIn   = time.Second     // after its TTL, a hold ends within
	leeway   = 2 * time.Second // for a slow machine
)

// A whole natslock stands still for longer than any TTL. What its callers renew
// as soon as they are heard again is theirs; the rest ends.
func TestPausedServerEndsNoHoldThatIsRenewed(t *testing.T) {
	t.Parallel()
	addr := freeAddr(t)
	p := start(t, "serve", "--data", t.TempDir(), "--nats", addr)
	if _, err := p.awaitReady(); err != nil {
		t.Fatal(err)
	}
	k := newKeepers(t, addr)
	p.signal(syscall.SIGSTOP)
	pause(t.Context(), pauseFor)
	p.signal(syscall.SIGCONT)
	woke := now()
	k.left(t, woke, 0, 500*time.Millisecond, true)
	k.left(t, woke, pauseTTL+endsIn, leeway, false)
	k.done(t)
}

// One of two workers stands still. What is renewed through the other is still
// there when it wakes, and what is not renewed ends without it.
func TestPausedWorkerEndsNoHoldThatIsRenewed(t *testing.T) {
	t.Parallel()
	hub, err := natsserver.NewServer(&natsserver.Options{Host: "127.0.0.1", Port: natsserver.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	hub.Start()
	t.Cleanup(func() { hub.Shutdown(); hub.WaitForShutdown() })
	if !hub.ReadyForConnections(readyIn) {
		t.Fatal("nats is not ready")
	}
	var workers [2]*process
	for i := range workers {
		workers[i] = start(t, "serve", "--nats-url", hub.ClientURL())
		if _, err := workers[i].awaitReady(); err != nil {
			t.Fatal(err)
		}
	}
	k := newKeepers(t, hub.Addr().String())
	granted := now()
	workers[0].signal(syscall.SIGSTOP)
	k.left(t, granted, pauseTTL+endsIn, leeway, false)
	pause(t.Context(), granted+pauseFor-now())
	workers[0].signal(syscall.SIGCONT)
	pause(t.Context(), pauseTTL+leeway)
	k.done(t)
	for i, p := range workers {
		if err := p.stop(); err != nil {
			t.Errorf("worker %d: %v", i, err)
		}
	}
}

// keepers hold locks: some are renewed in time, some are left to their TTL.
type keepers struct {
	wire *wire
	end  context.CancelFunc
	work sync.WaitGroup
}

const (
	keptLocks = 12
	leftLocks = 6
)

// newKeepers returns when all locks are held. The connection outlives the pause, so
// that what is sent meanwhile is heard right after it.
func newKeepers(t *testing.T, addr string) *keepers {
	t.Helper()
	k := &keepers{wire: newWire(t, dial(t, addr, nats.PingInterval(time.Minute)), "paused")}
	k.wire.every = 200 * time.Millisecond // half of what is sent goes to who stands still
	ctx, end := context.WithCancel(t.Context())
	k.end = end
	for i, token := range k.acquire(t, "kept", keptLocks) {
		k.work.Go(func() {
			if err := k.renew(ctx, fmt.Sprintf("kept-%d", i), token); err != nil {
				t.Error(err)
			}
		})
	}
	k.acquire(t, "left", leftLocks)
	return k
}

// acquire takes n locks at once: the TTL of the first must not pass while the
// others are on their way.
func (k *keepers) acquire(t *testing.T, kind string, n int) []uint64 {
	t.Helper()
	ttl := pauseTTL.Milliseconds()
	tokens, errs := make([]uint64, n), make([]error, n)
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() {
			name := fmt.Sprintf("%s-%d", kind, i)
			a, err := k.wire.ask(t.Context(), schema.JSON, schema.VerbAcquire, "", &schema.Acquire{Name: name, Client: "keeper", Request: name, TTL: &ttl})
			if err == nil && a.Status != schema.StatusGranted {
				err = unexpected(schema.VerbAcquire, &a)
			}
			tokens[i], errs[i] = a.Token, err
		})
	}
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	return tokens
}

// renew renews a hold in time until ctx ends. That it has ended is an error.
func (k *keepers) renew(ctx context.Context, name string, token uint64) error {
	last := now()
	for {
		a, err := k.wire.ask(ctx, schema.JSON, schema.VerbRenew, "", &schema.Renew{Name: name, Token: token})
		switch {
		case errors.Is(err, context.Canceled):
			return nil
		case err != nil:
			return err
		case a.Status != schema.StatusRenewed:
			return fmt.Errorf("%s: %w, %s after it was renewed, and %s after this was asked for the first of %d times, over %d connections", name,
				unexpected(schema.VerbRenew, &a), a.ret-last, a.ret-a.call, a.sends, k.wire.nc.Stats().Reconnects+1)
		}
		last = a.ret
		if pause(ctx, pauseTTL/3); ctx.Err() != nil {
			return nil
		}
	}
}

// left looks, some time after an instant, whether the locks that nobody renews
// are held.
func (k *keepers) left(t *testing.T, from, after, leeway time.Duration, held bool) {
	t.Helper()
	pause(t.Context(), from+after-now())
	m := &schema.Inspect{}
	for i := range leftLocks {
		m.Names = append(m.Names, fmt.Sprintf("left-%d", i))
	}
	for {
		a, err := k.wire.ask(t.Context(), schema.JSON, schema.VerbInspect, "", m)
		if err == nil && a.Status != schema.StatusOK {
			err = unexpected(schema.VerbInspect, &a)
		}
		if err != nil {
			t.Fatal(err)
		}
		wrong := ""
		for i := range a.Locks {
			if *a.Locks[i].Held != held {
				wrong += " " + a.Locks[i].Name
			}
		}
		if wrong == "" {
			return
		}
		if late := now() - from - after; held || late > leeway {
			t.Errorf("%s after they could not be renewed: held is not %v for%s", (after + late).Round(time.Millisecond), held, wrong)
			return
		}
		pause(t.Context(), 50*time.Millisecond)
	}
}

// done ends the renewing, and finds all of these locks held.
func (k *keepers) done(t *testing.T) {
	t.Helper()
	k.end()
	k.work.Wait()
	a, err := k.wire.ask(t.Context(), schema.JSON, schema.VerbList, "", &schema.List{Prefix: "kept-"})
	if err == nil && len(a.Locks) != keptLocks {
		err = unexpected(schema.VerbList, &a)
	}
	if err != nil {
		t.Errorf("%d of %d renewed locks are held: %v", len(a.Locks), keptLocks, err)
	}
}
