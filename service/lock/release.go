package lock

import (
	"slices"

	"github.com/natslock/natslock/schema"
)

func (c Release) apply(f *Fold) {
	i := f.r.holdOf(c.Client, c.Owner)
	if c.Token != 0 {
		i = f.r.holdByToken(c.Token)
	}
	var holders []schema.Holder
	switch {
	case !c.Show:
	case i < 0:
		holders = shown(f.r.Holds)
	default:
		holders = shown(f.r.Holds[i : i+1])
	}
	switch {
	case i < 0:
		reply := notHeld()
		reply.Holders = holders
		f.reply(reply)
	case c.Token != 0 && c.Named && f.r.Holds[i].Client != c.Client:
		f.reply(notYours())
	case c.Session != "" && !f.r.Holds[i].onlyOf(c.Session):
		f.leaveHold(i, c.Session)
		f.reply(schema.Reply{Status: schema.StatusKept, Holders: holders})
	default:
		f.endHoldBut(c.Forget, i, schema.EventReleased, schema.ReasonRelease)
		f.reply(schema.Reply{Status: schema.StatusReleased, Holders: holders})
	}
}

// onlyOf reports whether the hold has no session but this one, and has that.
func (h *Hold) onlyOf(session string) bool {
	return len(h.Sessions) == 1 && h.Sessions[0].ID == session
}

// leaveHold takes a session out of a hold that others keep, if it is in it.
func (f *Fold) leaveHold(i int, session string) {
	h := f.r.Holds[i]
	if k := h.session(session); k >= 0 {
		h.Sessions = slices.Delete(slices.Clone(h.Sessions), k, k+1)
		f.setHold(i, h)
	}
}

// endHold ends a hold: it is told of, and its attempts are remembered.
func (f *Fold) endHold(i int, t schema.EventType, reason schema.Reason) {
	f.endHoldBut(0, i, t, reason)
}

// endHoldBut is endHold, but one of the attempts is not remembered. One of several names
// is: a repeat of it is answered for all of them.
func (f *Fold) endHoldBut(forget Attempt, i int, t schema.EventType, reason schema.Reason) {
	mode := f.r.Mode
	h := f.takeHold(i)
	attempts := h.Attempts
	if k := slices.Index(attempts, forget); k >= 0 && h.Lead == "" {
		attempts = slices.Concat(attempts[:k], attempts[k+1:])
	}
	f.remember(EndHold, attempts...)
	f.happened(h.event(t, mode, reason))
}
