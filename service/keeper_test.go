package service

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/internal/bubbletest"
)

// countingStore counts what is read of it.
type countingStore struct {
	bus.Store
	loads int
}

func (s *countingStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	s.loads++
	return s.Store.Load(ctx, key)
}

// ringing is one of many whose timers ring.
type ringing struct {
	timer timer
	at    time.Duration
}

func (r *ringing) place() *timer { return &r.timer }

func TestManyTimersCostFewReads(t *testing.T) {
	const n = 2000 // one each millisecond
	bubbletest.Run(t, func(t *testing.T) {
		store := &countingStore{Store: bustest.NewMemory()}
		var k *keeper
		ended := 0
		k = newKeeper(store, "things", sessionPace, slog.New(slog.DiscardHandler), func(due timed, judged time.Duration) {
			ended++
			at := due.(*ringing).at
			if now := k.clock.Now(); judged < at || now > at+2*sessionPace {
				t.Errorf("due at %s: judged by %s, at %s", at, judged, now)
			}
			<-k.due
		})
		for i := range n {
			r := &ringing{at: time.Second + time.Duration(i)*time.Millisecond}
			k.timers.Set(r, r.at)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var work sync.WaitGroup
		work.Go(func() { k.tick(ctx, work.Go) })
		time.Sleep(4 * time.Second)
		cancel()
		work.Wait()
		if ended != n {
			t.Errorf("%d of %d ended", ended, n)
		}
		if most := n/10 + 10; store.loads > most {
			t.Errorf("the store was read %d times, at most %d are needed", store.loads, most)
		}
	})
}
