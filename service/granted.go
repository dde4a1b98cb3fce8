package service

import (
	"slices"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// onward is a job that concerns all that an attempt was granted, and goes on to
// all of it.
type onward struct {
	job  int
	hold lock.Hold // the one that it came to
}

// onwardOf returns the hold that a command to p's lock would take back, if it was
// granted with others. An answer that told of several locks is one to the hold
// that has the names of all.
func onwardOf(p *part, command lock.Command) (hold lock.Hold, ok bool) {
	record := p.fold.Record()
	switch c := command.(type) {
	case lock.Cancel:
		if h := holdOf(&record, c.Attempt); h != nil {
			return *h, h.Lead != "" && len(h.Names) != 1
		}
	case lock.Undo:
		h, found := record.HoldByToken(c.Token)
		return h, found && len(h.Names) > 1
	}
	return lock.Hold{}, false
}

// holdOf returns the hold that an attempt was granted, or nil.
func holdOf(r *lock.Record, attempt lock.Attempt) *lock.Hold {
	for i := range r.Holds {
		if h := &r.Holds[i]; len(h.Attempts) > 0 && h.Attempts[0] == attempt {
			return h
		}
	}
	return nil
}

// namesOf finds the names that hold, the one of name, was granted with, and does
// then with them. They are in the record of the first that was new, which is read
// from the leader of the store if this worker has not seen it. Meanwhile late
// tells those who have waited long.
func (w *Worker) namesOf(realm, name string, hold *lock.Hold, late func(since time.Time, r refusal), then func(names []string)) {
	lead := schema.LockKey(realm, hold.Lead)
	names := hold.Names
	if hold.Lead == "" {
		names = []string{name}
	}
	if len(names) == 0 {
		w.replica.peek(lead, func(a *actor) { names = namesIn(&a.record, hold) })
	}
	if len(names) > 0 {
		then(names)
		return
	}
	w.flights.begin()
	w.spawn(func() {
		defer w.flights.end()
		for w.ctx.Err() == nil {
			entry, err := w.load(w.ctx, lead)
			if err == nil {
				record, err := decode(entry)
				if err != nil {
					w.log.Error("unreadable record", "key", lead, "revision", entry.Revision, "err", err)
				}
				if names = namesIn(&record, hold); len(names) == 0 {
					names = w.grantedWith(realm, name, hold)
				}
				then(names)
				return
			}
			late(time.Now().Add(-patience), storeAway(err))
			w.pause(retryPause)
		}
	})
}

// namesIn returns the names that hold was granted with, if r is the record that
// has them.
func namesIn(r *lock.Record, hold *lock.Hold) []string {
	if h := holdOf(r, hold.Attempts[0]); h != nil && h.Lead == hold.Lead {
		return h.Names
	}
	return nil
}

// grantedWith returns the names whose holds, as far as this worker has seen them,
// are of the same grant as hold, that of name: the one that had the names of all
// has ended by itself.
func (w *Worker) grantedWith(realm, name string, hold *lock.Hold) []string {
	names := []string{name}
	w.replica.each(func(a *actor) {
		if h := holdOf(&a.record, hold.Attempts[0]); h != nil && h.Lead == hold.Lead && a.realm == realm && a.name != name {
			names = append(names, a.name)
		}
	})
	slices.Sort(names)
	return names
}
