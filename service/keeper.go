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
	end     func(due timed, judged time.Duration) // ends what is over of due, and calls rung when that is done
	due     chan struct{}                         // bounds the ends that are on their way
	space   *space
	told    bool          // that room is scarce
	pace    time.Duration // the timers are looked at no more often, unless the earliest becomes another
	probing atomic.Bool
}

// maxDue bounds for how many locks or sessions the timers have ends on their way
// at once, so that many that end together do not crowd out everything else.
const maxDue = 512

// The paces of keepers. Nearly every timer of a session rings in vain, because the
// session is alive; and each look at one costs a sign of life of the store. A lock's
// timers are waits, too, whose ends people see.
const (
	sessionPace = 10 * time.Millisecond
	lockPace    = time.Millisecond
)

func newKeeper(store bus.Store, what string, pace time.Duration, log *slog.Logger, end func(timed, time.Duration)) *keeper {
	return &keeper{
		pace: pace, space: newSpace(),
		clock: newServiceClock(), timers: newTimers(), store: store, loads: newLoads(), what: what, log: log,
		end: end, due: make(chan struct{}, maxDue),
	}
}

// ring ends what is due at the instant judged, as far as there is room.
func (k *keeper) ring(judged time.Duration) {
	for {
		select {
		case k.due <- struct{}{}:
		default:
			return // woken when there is
		}
		due := k.timers.Due(judged)
		if due == nil {
			<-k.due
			return
		}
		k.end(due, judged)
	}
}

// rung gives the room of one end back, and wakes tick for others.
func (k *keeper) rung() {
	<-k.due
	k.timers.ring()
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
			pause = min(max(left, k.pace), tickEvery)
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
		if k.answered() {
			k.timers.ring()
		}
	})
}

// answered notes a sign of life of the store. One that can be read and takes nothing is
// as good as away: nobody can renew.
func (k *keeper) answered() bool {
	if k.space.isStuck() {
		return false
	}
	k.clock.Answered()
	return true
}
