package lock

import (
	"errors"
	"fmt"
	"slices"

	"github.com/natslock/natslock/schema"
)

// join lets w, an acquire by the owner of hold i, be part of that hold: the TTL
// restarts, the session is added and the meta merged. The reply is "already",
// or a refusal, which changes nothing.
func (f *Fold) join(i int, w *Waiter) schema.Reply {
	if w.Mode != f.r.Mode || w.Size != f.r.Size {
		return refusal(schema.StatusSizeMismatch, "the owner holds the lock in another mode or size; release it first")
	}
	h := f.r.Holds[i]
	meta, err := h.Meta.Merge(w.Meta)
	if err != nil {
		return refusalOf(err)
	}
	h.Meta = meta
	h.joinSession(w.Session)
	h.joinAttempt(w.Attempt)
	h.keep()
	h.Renewed = 0
	if !w.DefaultTTL {
		h.TTL = w.TTL
	}
	switch {
	case len(h.Sessions) > MaxSessions:
		return limit(fmt.Sprintf("the hold has %d sessions, as many as one can have", MaxSessions))
	case !f.fits(h.weight() - f.r.Holds[i].weight()):
		return full()
	}
	f.setHold(i, h)
	return f.r.grantReply(schema.StatusAlready, i)
}

// joinSession adds s to the hold's sessions, in place of an earlier opening.
func (h *Hold) joinSession(s Session) {
	if s.ID == "" {
		return
	}
	sessions := slices.Clone(h.Sessions)
	if i := h.session(s.ID); i >= 0 {
		s = sessions[i].Terms().On(s) // the acquire may have been under way while they changed
		sessions[i] = s
	} else {
		sessions = append(sessions, s)
	}
	h.Sessions = sessions
}

// joinAttempt adds a to the hold's attempts. One too many pushes out the oldest
// of those that only joined: the granting one stays the first.
func (h *Hold) joinAttempt(a Attempt) {
	attempts := append(slices.Clone(h.Attempts), a)
	if len(attempts) > MaxAttempts {
		attempts = slices.Delete(attempts, 1, 2)
	}
	h.Attempts = attempts
}

// session is the index of a session in the hold, or -1.
func (h *Hold) session(id string) int {
	return slices.IndexFunc(h.Sessions, func(s Session) bool { return s.ID == id })
}

// refusalOf is the reply that a fault of the schema becomes.
func refusalOf(err error) schema.Reply {
	if fault, ok := errors.AsType[*schema.Error](err); ok {
		return refusal(fault.Status, fault.Message)
	}
	return refusal(schema.StatusInternal, err.Error())
}

// settle answers the waiters that are of the owner of hold i, who needs to wait
// no longer.
func (f *Fold) settle(i int) {
	client, owner := f.r.Holds[i].Client, f.r.Holds[i].Owner
	for k := 0; k < len(f.r.Waiters); {
		if w := &f.r.Waiters[k]; w.Parked || w.Owner != owner || w.Client != client {
			k++
			continue
		}
		w := f.takeWaiter(k)
		r := f.join(i, &w)
		if r.Status == schema.StatusSizeMismatch {
			f.remember(EndMismatch, w.Attempt)
		}
		f.answer(&w, r)
		f.happened(w.event(schema.EventCanceled, schema.Reason(r.Status)))
	}
}
