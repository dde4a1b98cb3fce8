package lock

import "github.com/natslock/natslock/schema"

// repeat deals with an attempt that the record knows already, and reports
// whether it does. A repeat finds things as they are: all it can change is
// where the answer to a wait goes, and that its caller is there. several says that
// it is answered for all names of several.
func (f *Fold) repeat(a Attempt, inbox Inbox, several bool) bool {
	place, i := f.r.find(a)
	switch place {
	case InHold:
		f.answerAgain(i, several)
	case InAlready:
		f.reply(f.r.grantReply(schema.StatusAlready, i))
	case InWaiters:
		f.redirectWaiter(i, inbox)
	case InSets:
		f.redirectSet(i, inbox)
	case InEnded:
		f.reply(f.r.Ended.At(i).End.reply())
	default:
		return false
	}
	return true
}

// answerAgain answers a repeat of the attempt of a hold. It is counted before it
// is answered: that one of several answers found nobody does not mean that none
// was heard, and the news of it may come after the next was. What was granted
// with others is counted alike in all their records; so what is asked for once
// with them and once without is kept.
func (f *Fold) answerAgain(i int, several bool) {
	if h := f.r.Holds[i]; h.undoable() {
		h.Repeats++
		if !h.undoable() || several != (h.Lead != "") {
			h.keep()
		}
		f.setHold(i, h)
	}
	f.reply(f.r.grantReply(schema.StatusGranted, i))
	f.out.Repeat = f.r.Holds[i].Repeats
}

func (c Retell) apply(f *Fold) {
	switch place, i := f.r.find(c.Attempt); place {
	case InHold:
		if f.r.Holds[i].Lead != "" {
			return // it is not this lock alone that it has to be told of
		}
	case InAlready, InEnded:
	default:
		return
	}
	f.repeat(c.Attempt, c.Inbox, false)
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
