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
	for i := 0; i < len(f.r.Waiters); {
		if !c.means(f.r.Waiters[i].Session) {
			i++
			continue
		}
		w := f.takeWaiter(i)
		f.dismiss(&w, end, c.Reason)
	}
	for i := 0; i < len(f.r.Sets); {
		if !c.means(f.r.Sets[i].Session) {
			i++
			continue
		}
		s := f.takeSet(i)
		f.dismiss(&s.Waiter, end, c.Reason)
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
