package service

import (
	"time"

	"github.com/natslock/natslock/service/lock"
)

// expire submits what is due of a lock.
func (w *Worker) expire(due timed, now time.Duration) {
	a := due.(*actor)
	var jobs []*job
	submit := func(c lock.Command) { jobs = append(jobs, &job{command: c, inner: true}) }
	a.shard.mu.Lock()
	next := a.clocks.due(&a.record, now, w.clock.Resumed(), func(h *lock.Hold) {
		submit(lock.Expire{Token: h.Token, Renewed: h.Renewed})
	}, func(attempt lock.Attempt) {
		submit(lock.GiveUp{Attempt: attempt})
	})
	switch {
	case a.ringing:
		jobs = nil // on their way already
	case !a.legible():
		jobs, next = nil, 0 // timed again when it can be read
	}
	a.ringing = a.ringing || len(jobs) > 0
	forget := !a.busy && len(a.queue) == 0 && a.record.Free() && now >= a.clocks.since+forgetAfter
	if forget {
		// The store keeps it for a while: a write that expects nothing conflicts and
		// reads it.
		w.forgot(a.revision)
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
	jobs[len(jobs)-1].ended = func() { w.expired(a) }
	for _, j := range jobs {
		w.submit(a.key, j)
	}
}

// forgot notes that the record of a free lock, as it was at revision, is no
// longer known here: what it remembered is over.
func (w *Worker) forgot(revision uint64) {
	for {
		last := w.forgotten.Load()
		if revision <= last || w.forgotten.CompareAndSwap(last, revision) {
			return
		}
	}
}

// lapse is a record that was read of a lock which is not known here, without the
// ended attempts whose time is over. A free lock that is not known here was
// forgotten, if its record is as old as others that were: the watch has brought them
// all in order.
func (w *Worker) lapse(record lock.Record, revision uint64) lock.Record {
	if record.Free() && revision <= w.forgotten.Load() {
		record.Ended = ""
	}
	return record
}

// expired is called when what was due of a has been decided.
func (w *Worker) expired(a *actor) {
	a.shard.mu.Lock()
	a.ringing = false
	a.shard.mu.Unlock()
	w.rung()
}
