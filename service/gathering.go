package service

import (
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// gathering keeps several locks for one step that concerns them all. It takes
// its seats one after the other in the order of their names, so that two
// gatherings never wait for each other.
type gathering struct {
	batch
	keys []string // in order, different
}

// gather has work done on several locks at once. keys are in the order of
// their names, all of one realm.
func (w *Worker) gather(keys []string, work work) {
	g := &gathering{keys: keys}
	g.w, g.work = w, work
	g.parts = make([]part, 0, len(keys))
	g.next()
}

func (g *gathering) next() {
	g.w.submit(g.keys[len(g.parts)], &job{seat: g, asked: time.Now(), inner: true})
}

// seated is called when a is kept for g.
func (g *gathering) seated(a *actor) {
	g.parts = append(g.parts, part{actor: a})
	if len(g.parts) < len(g.keys) {
		g.next()
		return
	}
	g.run()
}

// spread takes what was done to one lock of a grant of several names to the
// others. hold is the grant as it stood in the one.
func (w *Worker) spread(a *actor, hold *lock.Hold, command lock.Command) {
	names := hold.Names
	if len(names) == 0 {
		w.replica.peek(schema.LockKey(a.realm, hold.Lead), func(lead *actor) {
			if h := holdOf(&lead.record, hold.Attempts[0]); h != nil {
				names = h.Names
			}
		})
	}
	for _, name := range names {
		if name != a.name {
			w.submit(schema.LockKey(a.realm, name), &job{command: command, inner: true})
		}
	}
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
