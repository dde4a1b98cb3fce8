package service

import (
	"context"
	"time"

	"github.com/natslock/natslock/service/lock"
)

// maxDue bounds how many commands of the timers are on their way at once, so
// that many locks that end together do not crowd out everything else.
const maxDue = 512

// probeKey is read as a sign of life of the store. It need not exist, and is
// no lock's key.
const probeKey = "probe"

// tick ends what is over, until the worker ends: TTLs, waits, and memories.
func (w *Worker) tick() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.timers.wake:
			w.clock.Wake()
		case <-timer.C:
		}
		next, timed := w.timers.Next()
		if !timed {
			w.clock.Idle()
			timer.Reset(time.Hour)
			continue
		}
		now, judge, probe := w.clock.Tick()
		if probe && w.probing.CompareAndSwap(false, true) {
			w.spawn(w.probe)
		}
		if judge {
			for a := w.timers.Due(now); a != nil; a = w.timers.Due(now) {
				w.ringing(a, now)
			}
			if next, timed = w.timers.Next(); !timed {
				next = now
			}
		}
		timer.Reset(min(max(next-now, time.Millisecond), tickEvery))
	}
}

// probe asks the store for a sign of life.
func (w *Worker) probe() {
	defer w.probing.Store(false)
	ctx, cancel := context.WithTimeout(w.ctx, probeLate)
	defer cancel()
	if _, err := w.store.Load(ctx, probeKey); err != nil {
		if w.ctx.Err() == nil {
			w.log.Warn("the store does not answer: no TTL counts meanwhile", "err", err)
		}
		return
	}
	w.clock.Answered()
}

// ringing submits what is due of a.
func (w *Worker) ringing(a *actor, now time.Duration) {
	var commands []lock.Command
	a.shard.mu.Lock()
	next := a.clocks.due(&a.record, now, w.clock.Resumed(), func(h *lock.Hold) {
		commands = append(commands, lock.Expire{Token: h.Token, Renewed: h.Renewed})
	}, func(attempt lock.Attempt) {
		commands = append(commands, lock.GiveUp{Attempt: attempt})
	})
	forget := !a.busy && len(a.queue) == 0 && a.record.Free() && now >= a.clocks.since+forgetAfter
	if forget {
		// The store has dropped the record by now, or will; should it still be
		// there, a write that expects nothing conflicts and reads it.
		a.record, a.revision = lock.Record{}, 0
		a.shard.forgetLocked(a)
		next = 0
	}
	a.shard.mu.Unlock()
	w.timers.Set(a, next)
	for _, c := range commands {
		w.expire(a.key, c)
	}
}

// expire submits a command of the timers when there is room for it.
func (w *Worker) expire(key string, c lock.Command) {
	select {
	case w.due <- struct{}{}:
	case <-w.ctx.Done():
		return
	}
	w.submit(key, &job{command: c, inner: true, ended: func() { <-w.due }})
}
