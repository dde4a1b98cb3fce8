package service

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/bus"
)

// probeKey is read as a sign of life of a store. It need not exist, and is no
// lock's key; a session of that name does no harm.
const probeKey = "probe"

// keeper is a store, and ends what is kept in it when its time is over: on a
// clock that stands while the store does not answer.
//
// What is due is ended only when the store has answered since: while it is away
// nobody can renew, and a command that waits for it would overtake the renewal
// that waits for it too.
type keeper struct {
	clock   *serviceClock
	timers  *timers
	store   bus.Store
	loads   *loads
	what    string // is timed, for the log
	log     *slog.Logger
	ring    func(judged time.Duration) // submits what is due then
	probing atomic.Bool
}

func newKeeper(store bus.Store, what string, log *slog.Logger, ring func(time.Duration)) *keeper {
	return &keeper{clock: newServiceClock(), timers: newTimers(), store: store, loads: newLoads(), what: what, log: log, ring: ring}
}

// tick ends what is over, until ctx ends. spawn starts goroutines that somebody waits for.
func (k *keeper) tick(ctx context.Context, spawn func(func())) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	away := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.timers.wake:
			k.clock.Wake()
		case <-timer.C:
		}
		if _, timed := k.timers.Next(); !timed {
			k.clock.Idle()
			timer.Reset(time.Hour)
			continue
		}
		m := k.clock.Tick()
		if m.away && !away {
			k.log.Warn("the store does not answer: no TTL counts meanwhile", "of", k.what, "silent", m.silent)
		}
		away = m.away
		k.ring(m.judged)
		next, timed := k.timers.Next()
		if due := timed && next <= m.now; due && next > m.judged || m.silent >= probeEvery {
			k.probe(ctx, spawn)
		}
		pause := tickEvery // unless woken by the probe, or because there is room for more
		if left := next - m.now; timed && left > 0 && !m.away {
			pause = min(max(left, time.Millisecond), tickEvery)
		}
		timer.Reset(pause)
	}
}

// probe asks the store for a sign of life, once at a time, and wakes tick when
// it has come.
func (k *keeper) probe(ctx context.Context, spawn func(func())) {
	if !k.probing.CompareAndSwap(false, true) {
		return
	}
	spawn(func() {
		defer k.probing.Store(false)
		ctx, cancel := context.WithTimeout(ctx, probeLate)
		defer cancel()
		if _, err := k.store.Load(ctx, probeKey); err != nil {
			k.log.Debug("the store does not answer", "of", k.what, "err", err)
			return
		}
		k.clock.Answered()
		k.timers.ring()
	})
}
