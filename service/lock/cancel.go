package lock

import "github.com/natslock/natslock/schema"

func (c Cancel) apply(f *Fold) {
	if f.dismissAttempt(c.Attempt, EndCanceled, "") {
		f.reply(schema.Reply{Status: schema.StatusCanceled})
		return
	}
	place, i := f.r.find(c.Attempt)
	switch {
	case place == InHold && len(f.r.Holds[i].Attempts) == 1:
		f.endHold(i, schema.EventReleased, schema.ReasonRelease)
		f.reply(schema.Reply{Status: schema.StatusReleased})
		return
	case place == Nowhere && c.Barred != nil:
		f.reply(*c.Barred)
		return
	case place == Nowhere:
		// The cancel may have overtaken its acquire.
		f.remember(EndCanceled, c.Attempt)
	}
	f.reply(refusal(schema.StatusNotHeld, "the attempt neither waits nor holds anything that only it was granted"))
}

func (c GiveUp) apply(f *Fold) {
	f.dismissAttempt(c.Attempt, EndTimeout, schema.ReasonTimeout)
}

// dismissAttempt ends the wait of an attempt, and reports whether it waited.
func (f *Fold) dismissAttempt(a Attempt, end End, reason schema.Reason) bool {
	switch place, i := f.r.find(a); place {
	case InWaiters:
		w := f.takeWaiter(i)
		f.dismiss(&w, end, reason)
	case InSets:
		s := f.takeSet(i)
		f.dismiss(&s.Waiter, end, reason)
	default:
		return false
	}
	return true
}
