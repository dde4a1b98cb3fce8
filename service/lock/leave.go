package lock

import (
	"slices"
	"strings"

	"github.com/natslock/natslock/schema"
)

func (c Leave) apply(f *Fold) {
	end, ended := EndExpired, schema.EventOrphaned
	if c.Reason == schema.ReasonLeave {
		end, ended = EndCanceled, schema.EventReleased
	}
	for _, a := range c.waiting(&f.r) {
		f.dismissAttempt(a, end, c.Reason)
	}
	count := int64(0)
	for i := 0; i < len(f.r.Holds); {
		h := f.r.Holds[i]
		stay := slices.DeleteFunc(slices.Clone(h.Sessions), c.means)
		switch {
		case len(stay) == len(h.Sessions):
			i++
		case len(stay) > 0:
			h.Sessions = stay
			f.setHold(i, h)
			i++
		default:
			f.endHold(i, ended, c.Reason)
			count++
		}
	}
	f.reply(schema.Reply{Status: schema.StatusOK, Count: &count})
}

// waiting lists the attempts that the sessions wait with.
func (c Leave) waiting(r *Record) (attempts []Attempt) {
	for i := range r.Waiters {
		if w := &r.Waiters[i]; c.means(w.Session) {
			attempts = append(attempts, w.Attempt)
		}
	}
	for i := range r.Sets {
		if s := &r.Sets[i]; c.means(s.Session) {
			attempts = append(attempts, s.Attempt)
		}
	}
	return attempts
}

// means reports whether s is among the sessions that leave.
func (c Leave) means(s Session) bool {
	if s.ID == "" || c.Epoch != 0 && s.Epoch != c.Epoch {
		return false
	}
	rest, found := strings.CutPrefix(s.ID, c.Session)
	if !found {
		return false
	}
	leaf := strings.Contains(c.Session, "/")
	return rest == "" || !leaf && rest[0] == '/'
}
