package lock

import (
	"time"

	"github.com/natslock/natslock/schema"
)

// The bounds of the holders in a reply to acquire and force, which has to stay
// below schema.MaxReply whatever their texts become in JSON.
const (
	maxShown         = 64       // holders
	maxShownBytes    = 64 << 10 // their texts
	maxShownSessions = 32       // of one holder
)

// State is the lock as inspect and list show it: in full, but without the name
// and without the times at which the holds expire. Holders are in the order of
// Holds. Waiting attempts for several names come after those of the queue.
func (r Record) State() schema.LockState {
	held := len(r.Holds) > 0
	s := schema.LockState{Held: &held, Mode: r.Mode, Size: r.Size}
	for i := range r.Holds {
		s.Holders = append(s.Holders, r.Holds[i].view())
	}
	for i := range r.Waiters {
		s.Waiters = append(s.Waiters, r.Waiters[i].view())
	}
	for i := range r.Sets {
		s.Waiters = append(s.Waiters, r.Sets[i].view())
	}
	return s
}

// shown is what a reply says of holds: the first ones only, if there are many.
func shown(holds []Hold) []schema.Holder {
	holders := make([]schema.Holder, 0, min(len(holds), maxShown))
	room := maxShownBytes
	for i := range holds[:min(len(holds), maxShown)] {
		v := holds[i].view()
		v.Sessions = v.Sessions[:min(len(v.Sessions), maxShownSessions)]
		room -= len(v.Owner) + len(v.Client) + len(v.Meta)
		for _, s := range v.Sessions {
			room -= len(s)
		}
		if room < 0 {
			break
		}
		holders = append(holders, v)
	}
	return holders
}

func (h *Hold) view() schema.Holder {
	v := schema.Holder{
		Owner: h.Owner, Client: h.Client, Token: uint64(h.Token), TTL: h.TTL,
		GrantedAt: time.UnixMilli(h.GrantedAt).UTC(), Meta: h.Meta,
	}
	for i := range h.Sessions {
		v.Sessions = append(v.Sessions, h.Sessions[i].ID)
	}
	return v
}

func (w *Waiter) view() schema.Waiter {
	return schema.Waiter{
		Owner: w.Owner, Client: w.Client, Session: w.Session.ID, Mode: w.Mode,
		QueuedAt: time.UnixMilli(w.QueuedAt).UTC(), Meta: w.Meta,
	}
}
