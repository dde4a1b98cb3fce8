package service

import (
	"slices"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
	"github.com/natslock/natslock/service/presence"
)

// sessionsOf lists the sessions that r names, some perhaps more than once.
func sessionsOf(r *lock.Record) (list []lock.Session) {
	for i := range r.Holds {
		list = append(list, r.Holds[i].Sessions...)
	}
	waiting := func(w *lock.Waiter) {
		if w.Session.ID != "" {
			list = append(list, w.Session)
		}
	}
	for i := range r.Waiters {
		waiting(&r.Waiters[i])
	}
	for i := range r.Sets {
		waiting(&r.Sets[i].Waiter)
	}
	return list
}

// follow takes in which sessions a's record names, under the mutex of a's
// shard. It returns those that have ended: their part in the lock is to end too,
// for instance that of an acquire which was on its way when its session left.
// With judge unset nothing is looked up yet, because not all sessions are known.
func (t *sessions) follow(a *actor, judge bool) (gone []lock.Leave) {
	list := sessionsOf(&a.record)
	if len(list) == 0 && len(a.sessions) == 0 {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.indexLocked(a, list)
	if !judge {
		return nil
	}
	for _, one := range list {
		if l, over := t.judgeLocked(one); over && !slices.Contains(gone, l) {
			gone = append(gone, l)
		}
	}
	return gone
}

// indexLocked keeps up which locks name a session.
func (t *sessions) indexLocked(a *actor, list []lock.Session) {
	var names []string
	for _, one := range list {
		if !slices.Contains(names, one.ID) {
			names = append(names, one.ID)
		}
	}
	for _, id := range names {
		s := t.getLocked(id)
		if s.locks == nil {
			s.locks = make(map[string]struct{})
		}
		s.locks[a.key] = struct{}{}
	}
	for _, id := range a.sessions {
		if s := t.known[id]; s != nil && !slices.Contains(names, id) {
			delete(s.locks, a.key)
			t.forgetLocked(s)
		}
	}
	a.sessions = names
}

// judgeLocked reports whether a session has ended that a lock names. One that
// nobody knows was lost with its bucket, which is in memory: it is rebuilt from
// the lock, and has its whole time to be heard of.
func (t *sessions) judgeLocked(one lock.Session) (l lock.Leave, over bool) {
	id, leaf := schema.SplitSession(one.ID)
	p := t.getLocked(id)
	epoch := one.Epoch
	if p.revision == 0 && epoch == p.record.Epoch && p.record.State == presence.Open {
		t.extendLocked(p, one)
	}
	switch {
	case p.record.State == presence.Unknown, p.revision == 0 && epoch > p.record.Epoch:
		p.adopt(presence.Record{
			Client: one.Client, Epoch: epoch, TTL: max(one.TTL, schema.MinSessionTTL), Grace: one.Grace, State: presence.Open,
		}, 0, t.clock.Now())
		t.timers.Set(p, p.deadline(0))
		t.countLocked(p)
	case epoch > p.record.Epoch:
		t.refreshLocked(p) // a later opening, that the watch has not brought yet
	case epoch < p.record.Epoch || p.record.State.Ended():
		return lock.Leave{Session: id, Epoch: epoch, Reason: p.record.State.Reason()}, true
	case leaf != "":
		if s := t.known[one.ID]; s != nil && s.record.State == presence.Left && s.record.Epoch == epoch {
			return lock.Leave{Session: one.ID, Epoch: epoch, Reason: schema.ReasonLeave}, true
		}
	}
	return l, false
}

// extendLocked gives a session that was rebuilt from a lock the longer time that
// another lock knows it by: it may have changed between the two acquires, and
// nobody is to end early.
func (t *sessions) extendLocked(p *session, one lock.Session) {
	ttl, grace := max(p.record.TTL, one.TTL), max(p.record.Grace, one.Grace)
	if ttl == p.record.TTL && grace == p.record.Grace {
		return
	}
	p.record.TTL, p.record.Grace = ttl, grace
	t.timers.Set(p, p.deadline(0))
}

// refreshLocked reads how a session stands, from the leader.
func (t *sessions) refreshLocked(s *session) {
	t.w.spawn(func() {
		t.submit(s.id, &notice{refused: func(refusal) {}})
	})
}
