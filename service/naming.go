package service

import (
	"slices"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
	"github.com/natslock/natslock/service/presence"
)

// fewSessions are as many as most records name.
const fewSessions = 4

// fewLocks are as many as most sessions are named by, and a map has room for from the start.
const fewLocks = 8

// appendSessions lists the sessions that r names, some perhaps more than once.
func appendSessions(list []lock.Session, r *lock.Record) []lock.Session {
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
// shard. It returns what follows for the lock: the part of those that have ended
// is to end too, and it is to be told of terms that have changed; for instance when
// an acquire was on its way at that time. With judge unset nothing is looked up yet,
// because not all sessions are known.
func (t *sessions) follow(a *actor, judge bool) (due []lock.Command) {
	var room [fewSessions]lock.Session
	list := appendSessions(room[:0], &a.record)
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
		if c := t.judgeLocked(one); c != nil && !slices.Contains(due, c) {
			due = append(due, c)
		}
	}
	return due
}

// name takes in which sessions a's record names, under the mutex of a's shard, before
// anybody is told what it was written for. Who was told of a grant may change
// the terms of its session at once, and this lock has to know them then.
func (t *sessions) name(a *actor) {
	var room [fewSessions]lock.Session
	list := appendSessions(room[:0], &a.record)
	if named(a.sessions, list) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.indexLocked(a, list)
}

// named reports whether ids are just those of list, as indexLocked has left them.
func named(ids []string, list []lock.Session) bool {
	n := 0
	for i := range list {
		switch id := list[i].ID; {
		case n < len(ids) && ids[n] == id:
			n++
		case !slices.Contains(ids[:n], id):
			return false
		}
	}
	return n == len(ids)
}

// indexLocked keeps up which locks name a session.
func (t *sessions) indexLocked(a *actor, list []lock.Session) {
	if named(a.sessions, list) {
		return
	}
	var room [fewSessions]string
	before := append(room[:0], a.sessions...)
	if cap(a.sessions) > fewSessions {
		a.sessions = nil // there are seldom so many
	}
	a.sessions = a.sessions[:0]
	for i := range list {
		if id := list[i].ID; !slices.Contains(a.sessions, id) {
			a.sessions = append(a.sessions, id)
		}
	}
	for _, id := range a.sessions {
		s := t.getLocked(id)
		if s.locks == nil {
			s.locks = make(map[string]struct{})
		}
		s.locks[a.key] = struct{}{}
		s.many = s.many || len(s.locks) > fewLocks
	}
	for _, id := range before {
		if s := t.known[id]; s != nil && !slices.Contains(a.sessions, id) {
			delete(s.locks, a.key)
			t.forgetLocked(s)
		}
	}
}

// judgeLocked returns what a lock has to be told of a session that it names so, or nil.
// One that nobody knows was lost with its bucket, which is in memory: it is rebuilt from
// the lock, and has its whole time to be heard of.
func (t *sessions) judgeLocked(one lock.Session) lock.Command {
	id, leaf := schema.SplitSession(one.ID)
	p := t.getLocked(id)
	epoch := one.Epoch
	if epoch == p.record.Epoch && p.record.State == presence.Open {
		t.learnLocked(p, one)
	}
	switch {
	case p.record.State == presence.Unknown, p.revision == 0 && epoch > p.record.Epoch:
		p.adopt(presence.Record{
			Client: one.Client, Epoch: epoch, TTL: max(one.TTL, schema.MinSessionTTL), Grace: one.Grace, State: presence.Open,
			Change: one.Change, N: one.N,
		}, 0, t.clock.Now())
		t.timers.Set(p, p.deadline(0))
		t.countLocked(p)
	case epoch > p.record.Epoch:
		t.refreshLocked(p) // a later opening, that the watch has not brought yet
	case epoch < p.record.Epoch || p.record.State.Ended():
		return lock.Leave{Session: id, Epoch: epoch, Reason: p.record.State.Reason()}
	case leaf != "":
		if s := t.known[one.ID]; s != nil && s.record.State == presence.Left && s.record.Epoch == epoch {
			return lock.Leave{Session: one.ID, Epoch: epoch, Reason: schema.ReasonLeave}
		}
	}
	return p.newsLocked(one)
}

// refreshLocked reads how a session stands, from the leader.
func (t *sessions) refreshLocked(s *session) {
	t.w.spawn(func() {
		t.submit(s.id, &notice{refused: func(refusal) {}})
	})
}
