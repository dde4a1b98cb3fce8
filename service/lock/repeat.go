package lock

import "github.com/natslock/natslock/schema"

// repeat deals with an attempt that the record knows already, and reports
// whether it does. A repeat finds things as they are: all it can change is
// where the answer to a wait goes, and that its caller is there.
func (f *Fold) repeat(a Attempt, inbox Inbox) bool {
	place, i := f.r.find(a)
	switch place {
	case InHold:
		f.answerAgain(i)
		f.reply(f.r.grantReply(schema.StatusGranted, i))
	case InAlready:
		f.reply(f.r.grantReply(schema.StatusAlready, i))
	case InWaiters:
		f.redirectWaiter(i, inbox)
	case InSets:
		f.redirectSet(i, inbox)
	case InEnded:
		f.reply(f.r.Ended[i].End.reply())
	default:
		return false
	}
	return true
}

// answerAgain notes that the attempt of a hold was repeated. From then on no undo
// ends the hold: that one of several answers found nobody does not mean that
// none was heard, and the news of it may come after the next was.
func (f *Fold) answerAgain(i int) {
	h := f.r.Holds[i]
	if h.Inbox == (Inbox{}) {
		return
	}
	h.Inbox, h.Waited = Inbox{}, nil
	f.setHold(i, h)
}

// redirectWaiter stores the newest inbox of a waiter, whose caller is there. If
// it was parked, its turn may be now.
func (f *Fold) redirectWaiter(i int, inbox Inbox) {
	w := f.r.Waiters[i]
	if !f.redirect(&w, inbox) {
		return
	}
	f.setWaiter(i, w)
	if i := f.r.holdOf(w.Client, w.Owner); i >= 0 {
		f.settle(i)
	}
}

// redirectSet is redirectWaiter for a set.
func (f *Fold) redirectSet(i int, inbox Inbox) {
	s := f.r.Sets[i]
	if f.redirect(&s.Waiter, inbox) {
		f.setSet(i, s)
	}
}

// redirect gives w the newest inbox, and reports whether that made it another.
func (f *Fold) redirect(w *Waiter, inbox Inbox) bool {
	if w.Inbox == inbox && !w.Parked || !f.hasRoom(len(inbox.Subject)-len(w.Inbox.Subject)) {
		return false
	}
	w.Inbox, w.Parked = inbox, false
	return true
}
