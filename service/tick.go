package service

import (
	"context"
	"time"

	"github.com/natslock/natslock/service/lock"
)

// maxDue bounds for how many locks the timers have commands on their way at
// once, so that many that end together do not crowd out everything else.
const maxDue = 512

// probeKey is read as a sign of life of the store. It need not exist, and is
// no lock's key.
const probeKey = "probe"

// tick ends what is over, until the worker ends: TTLs, waits, and memories.
//
// What is due is ended only when the store has answered since: while it is away
// nobody can renew, and a command that waits for it would overtake the renewal
// that waits for it too.
func (w *Worker) tick() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	away := false
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.timers.wake:
			w.clock.Wake()
		case <-timer.C:
		}
		if _, timed := w.timers.Next(); !timed {
			w.clock.Idle()
			timer.Reset(time.Hour)
			continue
		}
		m := w.clock.Tick()
		if m.away && !away {
			w.log.Warn("the store does not answer: no TTL counts meanwhile", "silent", m.silent)
		}
		away = m.away
		w.ring(m.judged)
		next, timed := w.timers.Next()
		if due := timed && next <= m.now; due && next > m.judged || m.silent >= probeEvery {
			w.probe()
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
func (w *Worker) probe() {
	if !w.probing.CompareAndSwap(false, true) {
		return
	}
	w.spawn(func() {
		defer w.probing.Store(false)
		ctx, cancel := context.WithTimeout(w.ctx, probeLate)
		defer cancel()
		if _, err := w.store.Load(ctx, probeKey); err != nil {
			w.log.Debug("the store does not answer", "err", err)
			return
		}
		w.clock.Answered()
		w.timers.ring()
	})
}

// ring submits what is due at the instant judged, as far as there is room.
func (w *Worker) ring(judged time.Duration) {
	for {
		select {
		case w.due <- struct{}{}:
		default:
			return // woken when there is
		}
		a := w.timers.Due(judged)
		if a == nil {
			<-w.due
			return
		}
		w.ringing(a, judged)
	}
}

// ringing submits what is due of a, and gives its room back when that is done.
func (w *Worker) ringing(a *actor, now time.Duration) {
	var jobs []*job
	submit := func(c lock.Command) { jobs = append(jobs, &job{command: c, inner: true}) }
	a.shard.mu.Lock()
	next := a.clocks.due(&a.record, now, w.clock.Resumed(), func(h *lock.Hold) {
		submit(lock.Expire{Token: h.Token, Renewed: h.Renewed})
	}, func(attempt lock.Attempt) {
		submit(lock.GiveUp{Attempt: attempt})
	})
	if a.ringing {
		jobs = nil // on their way already
	}
	a.ringing = a.ringing || len(jobs) > 0
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
	if len(jobs) == 0 {
		<-w.due
		return
	}
	jobs[len(jobs)-1].ended = func() { w.rung(a) }
	for _, j := range jobs {
		w.submit(a.key, j)
	}
}

// rung is called when what was due of a has been decided.
func (w *Worker) rung(a *actor) {
	a.shard.mu.Lock()
	a.ringing = false
	a.shard.mu.Unlock()
	<-w.due
	w.timers.ring()
}
