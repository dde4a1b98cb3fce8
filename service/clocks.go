package service

import (
	"time"

	"github.com/natslock/natslock/service/lock"
)

// clocks remembers since when this worker has seen each hold (since its last
// renewal) and each wait of a record, as instants of the service clock. A
// hold that another worker renewed is timed from when that was seen here: late
// by the delay of the watch, never early.
type clocks struct {
	holds   []time.Duration // beside Record.Holds
	waiters []time.Duration // beside Record.Waiters
	sets    []time.Duration // beside Record.Sets
	since   time.Duration   // of the record
}

// follow carries the instants over from the old record to the new one: what
// stands in both goes on, what is new or renewed begins now.
func (c *clocks) follow(old, fresh *lock.Record, now time.Duration) {
	c.since = now
	holds := carry(c.holds, len(old.Holds), len(fresh.Holds), now, func(o, f int) bool {
		a, b := &old.Holds[o], &fresh.Holds[f]
		return a.Token == b.Token && a.Renewed == b.Renewed
	}, func(o, f int) bool { return old.Holds[o].Token <= fresh.Holds[f].Token })
	waiters := carry(c.waiters, len(old.Waiters), len(fresh.Waiters), now, func(o, f int) bool {
		return old.Waiters[o].Attempt == fresh.Waiters[f].Attempt
	}, func(o, f int) bool { return old.Waiters[o].Arrival <= fresh.Waiters[f].Arrival })
	sets := carrySets(c.sets, old.Sets, fresh.Sets, now)
	c.holds, c.waiters, c.sets = holds, waiters, sets
}

// carry merges two lists of the same order: same(o, f) says that element f of
// the new one goes on from element o of the old one, notAfter(o, f) that o
// does not come after f.
func carry(was []time.Duration, old, fresh int, now time.Duration, same, notAfter func(o, f int) bool) []time.Duration {
	if fresh == 0 {
		return was[:0]
	}
	if old == 0 && cap(was) >= fresh {
		is := was[:fresh]
		for f := range is {
			is[f] = now
		}
		return is
	}
	is := make([]time.Duration, fresh)
	o := 0
	for f := range fresh {
		is[f] = now
		for o < old && notAfter(o, f) {
			if same(o, f) {
				is[f] = was[o]
			}
			o++
		}
	}
	return is
}

// carrySets is carry for sets, which have no place in any order and are few.
func carrySets(was []time.Duration, old, fresh []lock.Set, now time.Duration) []time.Duration {
	if len(fresh) == 0 {
		return nil
	}
	is := make([]time.Duration, len(fresh))
	for f := range fresh {
		is[f] = now
		for o := range old {
			if old[o].Attempt == fresh[f].Attempt {
				is[f] = was[o]
			}
		}
	}
	return is
}

// due calls hold for each hold whose TTL has passed at now, and attempt for
// each wait that has; it returns the next instant at which anything can be
// due, or 0 if nothing is timed. resumed is when the service clock last went
// on after a gap: a hold gets at least a third of its TTL from there.
func (c *clocks) due(r *lock.Record, now, resumed time.Duration, hold func(*lock.Hold), attempt func(lock.Attempt)) (next time.Duration) {
	sooner := func(at time.Duration) {
		if next == 0 || at < next {
			next = at
		}
	}
	for i := range r.Holds {
		h := &r.Holds[i]
		if h.TTL == 0 {
			continue
		}
		ttl := time.Duration(h.TTL) * time.Millisecond
		at := c.holds[i] + ttl
		if resumed > 0 {
			at = max(at, resumed+ttl/3)
		}
		if at > now {
			sooner(at)
			continue
		}
		hold(h)
		sooner(now + retryDue)
	}
	wait := func(since time.Duration, w *lock.Waiter) {
		if w.Wait < 0 {
			return
		}
		if at := since + time.Duration(w.Wait)*time.Millisecond; at > now {
			sooner(at)
			return
		}
		attempt(w.Attempt)
		sooner(now + retryDue)
	}
	for i := range r.Waiters {
		wait(c.waiters[i], &r.Waiters[i])
	}
	for i := range r.Sets {
		wait(c.sets[i], &r.Sets[i].Waiter)
	}
	if r.Free() {
		sooner(c.since + forgetAfter)
	}
	return next
}

// retryDue is when to look again at something that was due: its command may
// have failed.
const retryDue = time.Second

// next is the next instant at which anything of r may be due, or 0.
func (c *clocks) next(r *lock.Record) (next time.Duration) {
	const never = -1 << 62
	return c.due(r, never, 0, nil, nil)
}
