package lock

import (
	"slices"

	"github.com/natslock/natslock/schema"
)

// apply has every part of the session in this lock know the later terms. It
// touches nothing else, and a hold that waited has them also for the wait that
// an undo would bring back.
func (c Terms) apply(f *Fold) {
	for i := range f.r.Holds {
		if h := f.r.Holds[i]; slices.ContainsFunc(h.Sessions, c.News) {
			h.Sessions = slices.Clone(h.Sessions)
			for k := range h.Sessions {
				h.Sessions[k] = c.On(h.Sessions[k])
			}
			if h.Waited != nil {
				w := *h.Waited
				w.Session = c.On(w.Session)
				h.Waited = &w
			}
			f.setHold(i, h)
		}
	}
	for i := range f.r.Waiters {
		if w := f.r.Waiters[i]; c.News(w.Session) {
			w.Session = c.On(w.Session)
			f.setWaiter(i, w)
		}
	}
	for i := range f.r.Sets {
		if s := f.r.Sets[i]; c.News(s.Session) {
			s.Session = c.On(s.Session)
			f.setSet(i, s)
		}
	}
	f.reply(schema.Reply{Status: schema.StatusOK})
}

// News reports whether a lock that names s so is to be told of the terms.
func (c Terms) News(s Session) bool { return c.On(s) != s }

// On is s with the terms, if they are later than its own. Those of one change are
// the same, but for sessions that a natslock wrote which did not count changes:
// these have the longer ones. So whatever comes in whatever order, all come to
// the same in the end.
func (c Terms) On(s Session) Session {
	switch {
	case !(Leave{Session: c.Session, Epoch: c.Epoch}).means(s):
	case c.Change > s.Change:
		s.TTL, s.Grace, s.Change, s.N = c.TTL, c.Grace, c.Change, c.N
	case c.Change == s.Change:
		s.TTL, s.Grace = max(s.TTL, c.TTL), max(s.Grace, c.Grace)
	}
	return s
}

// Terms are those that s has.
func (s Session) Terms() Terms {
	return Terms{Session: s.ID, Epoch: s.Epoch, TTL: s.TTL, Grace: s.Grace, Change: s.Change, N: s.N}
}
