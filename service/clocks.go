package service

import (
	"slices"
	"time"

	"github.com/natslock/natslock/service/lock"
)

// clocks remembers since when this worker has seen each hold (since its last
// renewal) and each wait of a record, as instants of the service clock. A
// hold that another worker renewed is timed from when that was seen here: late
// by the delay of the watch, never early.
type clocks struct {
	holds   []time.Duration // beside Record.Holds
	waited  []time.Duration // beside Record.Holds, if any of them waited: since when it did
	waiters []time.Duration // beside Record.Waiters
	sets    []time.Duration // beside Record.Sets
	since   time.Duration   // of the record
}

// follow carries the instants over from the old record to the new one: what
// stands in both goes on, what is new or renewed begins now. A wait that was
// granted and undone goes on, too.
func (c *clocks) follow(old, fresh *lock.Record, now time.Duration) {
	begin := func(int) time.Duration { return now }
	holds := carry(c.holds, len(old.Holds), len(fresh.Holds), begin, func(o, f int) bool {
		a, b := &old.Holds[o], &fresh.Holds[f]
		return a.Token == b.Token && a.Renewed == b.Renewed
	}, func(o, f int) bool { return old.Holds[o].Token <= fresh.Holds[f].Token })
	waiters := carry(c.waiters, len(old.Waiters), len(fresh.Waiters), func(f int) time.Duration {
		return c.undone(old, &fresh.Waiters[f], now)
	}, func(o, f int) bool {
		return old.Waiters[o].Attempt == fresh.Waiters[f].Attempt
	}, func(o, f int) bool { return old.Waiters[o].Arrival <= fresh.Waiters[f].Arrival })
	waited, sets := c.followWaited(old, fresh, now), c.followSets(old, fresh, now)
	c.holds, c.waited, c.waiters, c.sets, c.since = holds, waited, waiters, sets, now
}

// carry merges two lists of the same order: same(o, f) says that element f of
// the new one goes on from element o of the old one, notAfter(o, f) that o
// does not come after f. What is new begins at begin(f).
func carry(was []time.Duration, old, fresh int, begin func(f int) time.Duration, same, notAfter func(o, f int) bool) []time.Duration {
	if fresh == 0 {
		return was[:0]
	}
	is := was[:0]
	if old > 0 || cap(was) < fresh {
		is = make([]time.Duration, 0, fresh)
	}
	o := 0
	for f := range fresh {
		found := -1
		for o < old && notAfter(o, f) {
			if same(o, f) {
				found = o
			}
			o++
		}
		if found >= 0 {
			is = append(is, was[found])
		} else {
			is = append(is, begin(f))
		}
	}
	return is
}

// followWaited carries over since when the holds waited that did.
func (c *clocks) followWaited(old, fresh *lock.Record, now time.Duration) []time.Duration {
	some := false
	for i := range fresh.Holds {
		some = some || fresh.Holds[i].Waited != nil
	}
	if !some {
		return c.waited[:0]
	}
	return carry(c.waited, len(c.waited), len(fresh.Holds), func(f int) time.Duration {
		h := &fresh.Holds[f]
		if h.Waited == nil {
			return now
		}
		for i := range old.Waiters {
			if old.Waiters[i].Attempt == h.Attempts[0] {
				return c.waiters[i]
			}
		}
		for i := range old.Sets {
			if old.Sets[i].Attempt == h.Attempts[0] {
				return c.sets[i]
			}
		}
		return now
	}, func(o, f int) bool {
		return old.Holds[o].Token == fresh.Holds[f].Token
	}, func(o, f int) bool { return old.Holds[o].Token <= fresh.Holds[f].Token })
}

// undone is since when w waits, who was not there before: if it was granted and
// that was undone, since it waited first.
func (c *clocks) undone(old *lock.Record, w *lock.Waiter, now time.Duration) time.Duration {
	if !w.Parked {
		return now
	}
	for i := range c.waited {
		if h := &old.Holds[i]; h.Waited != nil && h.Attempts[0] == w.Attempt {
			return c.waited[i]
		}
	}
	return now
}

// followSets is carry for sets, which have no place in any order and are few.
func (c *clocks) followSets(old, fresh *lock.Record, now time.Duration) []time.Duration {
	if len(fresh.Sets) == 0 {
		return nil
	}
	is := make([]time.Duration, len(fresh.Sets))
	for f := range is {
		o := slices.IndexFunc(old.Sets, func(s lock.Set) bool { return s.Attempt == fresh.Sets[f].Attempt })
		if o >= 0 {
			is[f] = c.sets[o]
		} else {
			is[f] = c.undone(old, &fresh.Sets[f].Waiter, now)
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
		at := c.since + forgetAfter
		if at <= now { // and not forgotten, because of a write that has no end
			at = now + retryDue
		}
		sooner(at)
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
