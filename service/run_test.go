package service_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

func TestRunAnswersWhatWasBegun(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: 2 * time.Second} })
		one := b.send(&schema.Acquire{Name: "a"})
		b.settle()
		two := b.send(&schema.Acquire{Name: "a", Wait: 60_000})
		several := b.send(&schema.Acquire{Names: []string{"b", "c"}})
		b.settle()
		if took := b.workers[0].stop(b.t); took > 5*time.Second {
			t.Errorf("stopped after %s", took)
		}
		one.want(schema.StatusGranted)
		several.want(schema.StatusGranted)
		two.silent(time.Minute)
		b.store.Fail(nil)
		b.start(b.store, nil)
		two.want(schema.StatusGranted)
	})
}

// A waiter that waits for company when the worker stops is not forgotten.
func TestRunForgetsNobodyWhoArrivesLast(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a"})
		b.send(&schema.Acquire{Name: "a", Client: "x", Wait: 60_000})
		b.settle()
		b.send(&schema.Acquire{Name: "a", Client: "y", Wait: 60_000})
		b.settle()
		b.workers[0].stop(b.t)
		b.start(b.store, nil)
		b.wantWaiters("a", "x", "y")
	})
}

func TestRunEndsWhileTheStoreIsAway(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", TTL: ms(1000)})
		b.store.SetDown(true)
		for i := range 50 {
			b.send(&schema.Acquire{Name: fmt.Sprint(i)})
			b.send(&schema.Acquire{Names: []string{fmt.Sprint(i), fmt.Sprint(i + 1)}})
			b.send(&schema.Inspect{Name: "a"})
		}
		b.pass(3 * time.Second)
		if took := b.workers[0].stop(b.t); took > 6*time.Second {
			t.Errorf("stopped after %s", took)
		}
	})
}

func TestRunEndsThoughManyReadsAreWaiting(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.workers[0].stop(b.t)
		w := b.start(stuckStore{b.store}, nil)
		for range 500 {
			b.send(&schema.Inspect{Name: "a"})
		}
		b.settle()
		if took := w.stop(b.t); took > 6*time.Second {
			t.Errorf("stopped after %s", took)
		}
	})
}

// stuckStore does not answer loads of locks.
type stuckStore struct{ bus.Store }

func (s stuckStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	if key == "floor" { // without which no worker starts
		return s.Store.Load(ctx, key)
	}
	<-ctx.Done()
	return bus.Entry{}, fmt.Errorf("load %s: %w: %w", key, bus.ErrUnavailable, ctx.Err())
}

func TestNothingHappensAfterRunHasReturned(t *testing.T) {
	inBubble(t, func(b *bubble) {
		writes := 0
		b.store.Fail(func([]bus.Write) bustest.Fault {
			writes++
			return bustest.Fault{Delay: 20 * time.Second}
		})
		one := b.send(&schema.Acquire{Name: "a"})
		b.settle()
		two := b.send(&schema.Acquire{Name: "a", Wait: 60_000})
		b.settle()
		if took := b.workers[0].stop(b.t); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("stopped after %s", took)
		}
		b.pass(time.Minute)
		if writes != 1 {
			t.Errorf("%d writes, want 1", writes)
		}
		one.silent(0)
		two.silent(0)
	})
}

func TestRunEndsBeforeItWasReady(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		worker, err := service.New(b.dial(), waitingStore{b.store}, b.sessions, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- worker.Run(ctx, func() { t.Error("ready") }) }()
		b.settle()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("run: %v", err)
		}
	})
}

// lateStore is caught up with a second after all has been seen.
type lateStore struct{ bus.Store }

func (s lateStore) Watch(ctx context.Context, seen func(bus.Entry), ready func()) error {
	return s.Store.Watch(ctx, seen, func() {
		time.Sleep(time.Second)
		ready()
	})
}

// waitingStore is never caught up with.
type waitingStore struct{ bus.Store }

func (s waitingStore) Watch(ctx context.Context, _ func(bus.Entry), _ func()) error {
	<-ctx.Done()
	return nil
}

func TestRunReportsAWatchThatEnds(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		worker, err := service.New(b.dial(), b.store, b.sessions, nil)
		if err != nil {
			b.t.Fatal(err)
		}
		ready, done := make(chan struct{}), make(chan error, 1)
		go func() { done <- worker.Run(context.Background(), func() { close(ready) }) }()
		<-ready
		b.store.Close()
		if err := <-done; err == nil {
			t.Error("no error")
		}
		if msg, err := b.send(&schema.Inspect{Name: "a"}).sub.NextMsg(time.Minute); !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("a request after the end: %v, %v", msg, err)
		}
	})
}

func TestRunLeavesNoGoroutine(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		nc := b.dial()
		before := goleak.IgnoreCurrent()
		w := b.launch(nc, b.store, nil)
		for i := range 50 {
			b.lock(&schema.Acquire{Name: fmt.Sprint(i), TTL: ms(50)})
			b.send(&schema.Acquire{Name: fmt.Sprint(i), Wait: 60_000})
			b.want(schema.StatusHeld, &schema.Acquire{Names: []string{fmt.Sprint(i), "x"}})
		}
		w.stop(b.t)
		if err := goleak.Find(before); err != nil {
			t.Error(err)
		}
	})
}

// What an earlier worker left half done is gone on with when the worker is
// ready, and not before: nobody would hear that a caller is gone.
func TestRestartUndoesWhatNobodyHears(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "b", Client: "x", TTL: ms(86_400_000)})
		b.leave(&schema.Acquire{Names: []string{"a", "b", "c"}, Client: "dead", Wait: 86_400_000})
		b.store.Fail(func(writes []bus.Write) bustest.Fault {
			if len(writes) > 1 {
				return bustest.Fault{Kind: bustest.Unavailable}
			}
			return bustest.Fault{}
		})
		b.unlock("b", token)
		b.workers[0].stop(b.t)
		b.store.Fail(nil)
		b.start(lateStore{b.store}, nil)
		b.settle()
		for _, name := range []string{"a", "b", "c"} {
			b.wantHolders(name)
		}
		b.wantWaiters("a", "dead")
	})
}

func TestNewRefusesANonsensicalConfig(t *testing.T) {
	for _, ttl := range []time.Duration{-1, time.Nanosecond, 9 * time.Millisecond, 10*time.Millisecond + 1, 25 * time.Hour} {
		if _, err := service.New(nil, nil, nil, &service.Config{DefaultTTL: ttl}); err == nil {
			t.Errorf("a default TTL of %s is accepted", ttl)
		}
	}
	if _, err := service.New(nil, nil, nil, &service.Config{Sync: -1}); err == nil {
		t.Error("a negative time to sync is accepted")
	}
	for _, ttl := range []time.Duration{0, 10 * time.Millisecond, 24 * time.Hour} {
		if _, err := service.New(nil, nil, nil, &service.Config{DefaultTTL: ttl}); err != nil {
			t.Errorf("a default TTL of %s: %v", ttl, err)
		}
	}
}

// silentStore does not answer loads while it is silent.
type silentStore struct {
	stuckStore
	silent atomic.Bool
}

func (s *silentStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	if s.silent.Load() {
		return s.stuckStore.Load(ctx, key)
	}
	return s.Store.Load(ctx, key)
}

// Each waits behind reads that a silent store leaves unanswered.
func TestCallersBehindASilentStoreAreToldInTime(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.workers[0].stop(b.t)
		store := &silentStore{stuckStore: stuckStore{b.store}}
		store.silent.Store(true)
		b.start(store, nil)
		const burst = 2000
		begin := time.Now()
		asked := make([]*pending, burst)
		for i := range asked {
			asked[i] = b.send(&schema.Release{Name: fmt.Sprint(i), Token: 5})
		}
		for _, a := range asked {
			if r := a.reply(); r.Status != schema.StatusUnavailable {
				t.Fatalf("%s: %s", r.Status, r.Message)
			}
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("the last was told after %s", took)
		}
		store.silent.Store(false)
		b.pass(10 * time.Second)
	})
}
