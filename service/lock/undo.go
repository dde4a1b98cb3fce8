package lock

import "github.com/natslock/natslock/schema"

func (c Undo) apply(f *Fold) {
	i := f.r.holdByToken(c.Token)
	if i < 0 {
		return
	}
	h := f.r.Holds[i]
	if !h.undoable() || c.Answer > h.Repeats {
		return
	}
	unheard := h.Unheard | 1<<c.Answer
	switch unheard {
	case h.everyAnswer():
		f.undo(i)
	case h.Unheard:
	default:
		h.Unheard = unheard
		f.setHold(i, h)
	}
}

// undo ends a hold of which nobody has heard. What waited for it waits again.
func (f *Fold) undo(i int) {
	mode := f.r.Mode
	h := f.takeHold(i)
	f.happened(h.event(schema.EventReleased, mode, schema.ReasonUndone))
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

// undoable reports whether the hold ends when every answer that told of it has
// found nobody.
func (h *Hold) undoable() bool { return h.Repeats < MaxRepeats }

// everyAnswer is Unheard when every answer that told of the hold has found nobody.
func (h *Hold) everyAnswer() uint8 { return 1<<(h.Repeats+1) - 1 }

// keep makes the hold one that no undo ends.
func (h *Hold) keep() {
	h.Waited, h.Repeats, h.Unheard = nil, MaxRepeats, 0
}

// counts reports whether Repeats and Unheard can be those of a hold that lives.
func (h *Hold) counts() bool {
	if !h.undoable() {
		return h.Repeats == MaxRepeats && h.Unheard == 0
	}
	return h.Unheard < h.everyAnswer()
}
