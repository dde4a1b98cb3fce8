package service

import (
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/lock"
)

// seen takes in what the watch brings. The worker's own writes come back
// through it too, and are known by then or as soon as they are acknowledged.
func (w *Worker) seen(e bus.Entry) {
	s := w.replica.shard(e.Key)
	s.mu.Lock()
	a, err := s.actorLocked(e.Key)
	if err != nil {
		s.mu.Unlock()
		w.log.Warn("not a lock's key", "key", e.Key, "err", err)
		return
	}
	if a.busy {
		if e.Revision > a.newer.Revision {
			a.newer = e
		}
		s.mu.Unlock()
		return
	}
	if e.Revision <= a.revision {
		s.mu.Unlock()
		return
	}
	before, known := a.record, a.revision > 0
	w.adoptLocked(a, e)
	w.space.others(func() int64 { return growth(&before, &a.record, known, a.key) })
	next, wanted := w.followLocked(a)
	s.mu.Unlock()
	w.follow(a, next, wanted)
}

// growth is by how much a record that became another has made the store grow, or shrink.
func growth(before, after *lock.Record, known bool, key string) int64 {
	n := int64(after.Weight() - before.Weight())
	if !known {
		n += int64(entryBytes + len(key))
	}
	return n
}

// followLocked takes in what follows from a's record, for follow.
func (w *Worker) followLocked(a *actor) (next time.Duration, wanted []string) {
	w.sets.follow(a)
	resumed := w.resumed.Load() // before, it is for resume
	due := w.sessions.follow(a, resumed)
	if !a.legible() {
		return 0, nil
	}
	if resumed {
		if len(a.queue) == 0 {
			a.pushDue(due)
		}
		if a.record.Promotable() && len(a.queue) == 0 {
			a.push(&job{command: lock.Promote{}, inner: true})
		}
		wanted = w.sets.wanted(a)
	}
	return a.clocks.next(&a.record), wanted
}

// pushDue queues what follows from the sessions that the record names. Terms that
// came to nothing are not told once more before the record is another: whoever has
// to know that they are stored tells them himself.
func (a *actor) pushDue(due []lock.Command) {
	told := a.told
	for _, c := range due {
		if _, ok := c.(lock.Terms); ok {
			if told == a.revision {
				continue
			}
			a.told = a.revision
		}
		a.push(&job{command: c, inner: true})
	}
}

// follow does what followLocked has found, once the mutex is free.
func (w *Worker) follow(a *actor, next time.Duration, wanted []string) {
	w.timers.Set(a, next)
	w.advance(a)
	for _, lead := range wanted {
		w.trySets(lead, a.name)
	}
}

// adoptLocked makes e what a goes by. A record that cannot be read is left
// alone: whoever asks for the lock will be told.
func (w *Worker) adoptLocked(a *actor, e bus.Entry) {
	record, err := decode(e)
	if err != nil {
		w.log.Error("unreadable record", "key", e.Key, "revision", e.Revision, "err", err)
		a.obscure = max(a.obscure, e.Revision)
		return
	}
	a.adopt(record, e.Revision, w.clock.Now())
}

// sunk takes in that the watch has brought a floor: whatever in use is below it
// has been replaced or dropped without being seen.
func (w *Worker) sunk(below uint64) {
	var actors []*actor
	w.replica.each(func(a *actor) {
		if a.revision > 0 && a.revision < below && !a.record.Free() {
			actors = append(actors, a)
		}
	})
	for _, a := range actors {
		a.shard.mu.Lock()
		if a.busy || !a.sink(below, w.clock) {
			a.shard.mu.Unlock()
			continue // whose batch finds out by itself
		}
		next, wanted := w.followLocked(a)
		a.shard.mu.Unlock()
		w.follow(a, next, wanted)
	}
}

// resume goes on with what an earlier worker may have left half done.
func (w *Worker) resume() {
	w.resumed.Store(true)
	var promote, leads []string
	due := make(map[string][]lock.Command)
	w.replica.each(func(a *actor) {
		if list := w.sessions.follow(a, true); len(list) > 0 {
			due[a.key] = list
		}
		if a.record.Promotable() {
			promote = append(promote, a.key)
		}
		if len(a.record.Sets) > 0 {
			leads = append(leads, a.key)
		}
	})
	for _, key := range promote {
		w.submit(key, &job{command: lock.Promote{}, inner: true})
	}
	for key, list := range due {
		for _, c := range list {
			w.submit(key, &job{command: c, inner: true})
		}
	}
	for _, lead := range leads {
		w.trySets(lead, "")
	}
}
