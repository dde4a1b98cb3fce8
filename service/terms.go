package service

import (
	"context"
	"slices"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
	"github.com/natslock/natslock/service/presence"
)

// The TTL and grace of a session stand in its record, which is in memory, and in those
// of the locks that name it, which it is rebuilt from. When a keepalive has changed
// them, it is answered only after all these locks have been told: or a restart would end
// the session by terms that its caller believes to be over.

// maxTold bounds how many locks are told at once of one session's terms.
const maxTold = 64

// change is a state of a session's terms: the larger, the later.
type change struct{ epoch, count uint64 }

func changeOf(r *presence.Record) change { return change{r.Epoch, r.Change} }

func (c change) after(other change) bool {
	return c.epoch > other.epoch || c.epoch == other.epoch && c.count > other.count
}

// spreading is how far the terms of a presence have come into the records of the
// locks that name it. Guarded by the mutex of sessions.
type spreading struct {
	done    change   // all locks that are known here to name the session have this, or later ones
	kept    []kept   // what waits for more
	busy    bool     // locks are being told
	missed  bool     // meanwhile one was seen that is yet to be told
	refused *refusal // one of them could not be; until all have been heard of that were asked
}

// kept is a keepalive that has been stored and is to be answered.
type kept struct {
	notice *notice
	record presence.Record
	reply  schema.Reply
}

// settledLocked reports whether the terms of a presence outlive its record.
func (s *session) settledLocked() bool {
	return s.record.Change == 0 || !changeOf(&s.record).after(s.terms.done)
}

// termsLocked are those of a presence.
func (s *session) termsLocked() lock.Terms {
	r := &s.record
	return lock.Terms{Session: s.id, Epoch: r.Epoch, TTL: r.TTL, Grace: r.Grace, Change: r.Change, N: r.N}
}

// newsLocked are the terms of a presence, if a lock is to be told that names it so. Only
// what is stored is told.
func (s *session) newsLocked(one lock.Session) lock.Command {
	if s.revision == 0 || s.record.State != presence.Open {
		return nil
	}
	c := s.termsLocked()
	if !c.News(one) {
		return nil
	}
	s.terms.done, s.terms.missed = change{}, true // the next keepalive waits until it is told
	return c
}

// learnLocked takes in what a lock knows of the terms of a presence. Later ones have been
// stored before the lock was told: what is known here is behind, or has been rebuilt from
// other locks. A natslock that did not count changes told locks nothing of them: of
// what two such locks say, the longer time holds, since nobody is to end early.
func (t *sessions) learnLocked(p *session, one lock.Session) {
	if p.revision > 0 && one.Change <= p.record.Change {
		return
	}
	c := one.Terms()
	c.Session = p.id
	r := &p.record
	r.N = max(r.N, one.N)
	known := lock.Session{ID: p.id, Epoch: r.Epoch, TTL: r.TTL, Grace: r.Grace, Change: r.Change}
	if c.News(known) {
		now := c.On(known)
		r.TTL, r.Grace, r.Change = now.TTL, now.Grace, now.Change
		t.timers.Set(p, p.deadline(0))
	}
}

// keep answers a keepalive when the terms that it is told of outlive the session's record.
func (t *sessions) keep(s *session, k kept) {
	t.mu.Lock()
	refused, settled := s.terms.refused, s.settledLocked()
	begins := refused == nil && !settled && !s.terms.busy
	if refused == nil && !settled {
		s.terms.kept = append(s.terms.kept, k)
		s.terms.busy = true
	}
	t.mu.Unlock()
	switch {
	case refused != nil:
		k.notice.refused(*refused)
	case settled:
		k.notice.told(k.record, k.reply)
	case begins:
		t.w.flights.begin()
		t.w.spawn(func() { t.spread(s) })
	}
}

// spread tells the locks of a presence its terms, until nobody waits for that. Several
// changes that come meanwhile are told together.
func (t *sessions) spread(s *session) {
	defer t.w.flights.end()
	for more := true; more; {
		t.mu.Lock()
		c, done := s.termsLocked(), changeOf(&s.record)
		s.terms.missed = false
		keys := s.keysIn("")
		t.mu.Unlock()
		told := t.tell(t.w.ctx, s, c, t.untold(c, keys))
		if t.w.ctx.Err() != nil {
			return // whoever waits asks again, and another worker
		}
		var answers []kept
		t.mu.Lock()
		if s.terms.refused = nil; told && !s.terms.missed {
			s.terms.done = done
			s.terms.kept = slices.DeleteFunc(s.terms.kept, func(k kept) bool {
				over := !changeOf(&k.record).after(done)
				if over {
					answers = append(answers, k)
				}
				return over
			})
		}
		if more = len(s.terms.kept) > 0; !more {
			s.terms.busy = false
			t.forgetLocked(s)
		}
		t.mu.Unlock()
		for _, k := range answers {
			k.notice.told(k.record, k.reply)
		}
	}
}

// untold are those of the locks that do not know the terms, as far as is known here. One
// that does is stored so. One that cannot be read cannot be told, and nothing is rebuilt
// from it: it does not keep the session from being told alive.
func (t *sessions) untold(c lock.Terms, keys []string) []string {
	slices.Sort(keys)
	return slices.DeleteFunc(slices.Compact(keys), func(key string) bool {
		news := false
		t.w.replica.peek(key, func(a *actor) { news = a.legible() && slices.ContainsFunc(appendSessions(nil, &a.record), c.News) })
		return !news
	})
}

// tell has locks told of the terms, and reports whether all have been. If one cannot be,
// those who wait hear of it at once.
func (t *sessions) tell(ctx context.Context, s *session, c lock.Terms, keys []string) bool {
	refused, err := t.w.eachOf(ctx, keys, c, maxTold, func(r *schema.Reply) {
		why := refusal{r.Status, "the session is kept alive, but not yet with all its locks: " + r.Message}
		t.mu.Lock()
		list := s.terms.kept
		s.terms.kept, s.terms.refused = nil, &why
		t.mu.Unlock()
		for _, k := range list {
			k.notice.refused(why)
		}
	})
	return refused == nil && err == nil
}
