package lock

import "github.com/natslock/natslock/schema"

// apply does nothing: every command promotes.
func (c Promote) apply(*Fold) {}

// promote lets in waiters, first come first served, until the next one has to
// wait on. Parked waiters are passed over.
func (f *Fold) promote() {
	for i := f.r.next(); i >= 0; i = f.r.next() {
		switch w := &f.r.Waiters[i]; {
		case f.r.mismatches(w):
			w := f.takeWaiter(i)
			f.dismiss(&w, EndMismatch, schema.ReasonSizeMismatch)
		case f.r.admits(w) && f.r.granted < MaxGrants:
			w := f.takeWaiter(i)
			h := w.hold()
			h.Waited = &w
			f.answer(&w, f.grant(h, &w, w.QueuedAt))
			f.settle(len(f.r.Holds) - 1)
		default:
			return
		}
	}
}

// Promotable reports whether Promote would change the record: whether somebody
// waits only because the last write was full of grants.
func (r Record) Promotable() bool {
	i := r.next()
	return i >= 0 && r.admits(&r.Waiters[i])
}

// next is the index of the waiter whose turn is next, or -1.
func (r *Record) next() int {
	for i := range r.Waiters {
		if !r.Waiters[i].Parked {
			return i
		}
	}
	return -1
}

// grant makes h, which w asked for, a hold of the record: the last one. It
// returns the reply to w, who has waited since an instant; 0 if not.
func (f *Fold) grant(h Hold, w *Waiter, since int64) schema.Reply {
	if len(f.r.Holds) == 0 {
		f.r.Mode, f.r.Size = w.Mode, w.Size
	}
	h.Token = Token(f.r.granted)
	h.GrantedAt = max(h.GrantedAt, f.At)
	f.r.granted++
	f.addHold(h)
	e := h.event(schema.EventGranted, w.Mode, "")
	e.QueuedAt = since
	f.happened(e)
	return f.r.grantReply(schema.StatusGranted, len(f.r.Holds)-1)
}

// dismiss ends a wait: it is answered and remembered.
func (f *Fold) dismiss(w *Waiter, end End, reason schema.Reason) {
	f.remember(end, w.Attempt)
	f.answer(w, end.reply())
	f.happened(w.event(schema.EventCanceled, reason))
}
