package lock

import "github.com/natslock/natslock/schema"

const reasonUndone schema.Reason = "undone" // of the event released

func (c Undo) apply(f *Fold) {
	place, i := f.r.find(c.Attempt)
	if place != InHold {
		return
	}
	if h := &f.r.Holds[i]; len(h.Attempts) > 1 || h.Inbox == (Inbox{}) || h.Inbox.Hash() != c.Inbox {
		return
	}
	mode := f.r.Mode
	h := f.takeHold(i)
	f.happened(h.event(schema.EventReleased, mode, reasonUndone))
	if h.Waited == nil {
		return
	}
	w := *h.Waited
	w.Parked = true
	switch {
	case h.Lead == "":
		f.addWaiter(w)
	case len(h.Names) > 0:
		f.addSet(Set{Waiter: w, Names: h.Names})
	}
}
