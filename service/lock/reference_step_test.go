package lock

import (
	"fmt"
	"slices"
	"strings"

	"github.com/natslock/natslock/schema"
)

// brokenReference compares a step with what the reference says, where that
// knows the command.
func brokenReference(before Record, c Command, after Record, o Outcome) error {
	if len(before.Sets) > 0 || before.granted+len(before.Waiters) >= MaxGrants || before.Ended.Len() > MaxEnded/2 {
		return nil
	}
	if o.Reply != nil && (o.Reply.Status == schema.StatusLimit || o.Reply.Status == schema.StatusInvalid) {
		return nil
	}
	f := referenceOf(before)
	said, known := f.step(before, c)
	if !known {
		return nil
	}
	f.turns()
	got := referenceOf(after)
	for _, a := range o.Answers {
		got.log = append(got.log, fmt.Sprint(a.Attempt, a.Inbox, a.Reply.Status))
	}
	status := schema.Status("")
	if o.Reply != nil {
		status = o.Reply.Status
	}
	if f.lines() != got.lines() || said != status || !slices.Equal(f.log, got.log) {
		return fmt.Errorf("the reference says %q %v\n%s\nthe core    %q %v\n%s", said, f.log, f.lines(), status, got.log, got.lines())
	}
	return nil
}

// step does what c asks for, but for the turns that follow. known is false for
// commands that the reference does not know.
func (f *reference) step(r Record, c Command) (said schema.Status, known bool) {
	switch c := c.(type) {
	case Acquire:
		if c.Lead != "" {
			return "", false
		}
		return f.acquire(c), true
	case Release:
		return f.release(r, c), true
	case Cancel:
		return f.cancel(c.Attempt), true
	case GiveUp:
		f.dismiss(schema.StatusTimeout, func(w refWait) bool { return w.attempt == c.Attempt })
	case Leave:
		f.leave(c)
		return schema.StatusOK, true
	case Expire:
		f.end(func(h refHold) bool {
			b := r.Holds[r.holdOf(split(h.who))]
			return b.Token == c.Token && c.Token >= 256 && b.Renewed == c.Renewed && c.Renewed != 0
		})
	case Force:
		n := f.end(func(h refHold) bool {
			return c.Token == 0 || c.Token >= 256 && r.Holds[r.holdOf(split(h.who))].Token == c.Token
		})
		if n == 0 {
			return schema.StatusNotHeld, true
		}
		return schema.StatusReleased, true
	case Undo:
		f.undo(r, c)
	case Retell:
		return f.retell(c), true
	case Promote:
	case Touch, Terms:
		return schema.StatusOK, true
	default:
		return "", false
	}
	return "", true
}

func split(who string) (client, owner string) {
	client, owner, _ = strings.Cut(who, ":")
	return client, owner
}

func (f *reference) acquire(c Acquire) schema.Status {
	for i := range f.holds {
		switch slices.Index(f.holds[i].attempts, c.Attempt) {
		case -1:
		case 0:
			f.holds[i].again()
			return schema.StatusGranted
		default:
			return schema.StatusAlready
		}
	}
	for i := range f.queue {
		if w := &f.queue[i]; w.attempt == c.Attempt {
			w.inbox, w.parked = c.Inbox, false
			return ""
		}
	}
	if s, over := f.over[c.Attempt]; over {
		return s
	}
	if c.Barred != nil {
		return c.Barred.Status
	}
	w := refWaitOf(c.waiter())
	queue := slices.DeleteFunc(slices.Clone(f.queue), func(w refWait) bool { return w.parked })
	switch h := f.holder(w.who); {
	case h != nil && c.Fresh:
		return schema.StatusAlready
	case h != nil:
		return f.join(h, w)
	case f.clash(w.kind):
		return schema.StatusSizeMismatch
	case len(queue) == 0 && legal(append(f.kinds(), w.kind)):
		f.let(w, nil)
		return schema.StatusGranted
	case c.Wait == 0:
		return schema.StatusHeld
	}
	w.arrival = 1
	f.queue = append(f.queue, w)
	return ""
}

// retell is a repeat of what waits no more.
func (f *reference) retell(c Retell) schema.Status {
	over := f.over[c.Attempt] != ""
	for _, h := range f.holds {
		switch slices.Index(h.attempts, c.Attempt) {
		case -1:
		case 0:
			over = !h.foreign
		default:
			over = true
		}
	}
	if !over {
		return ""
	}
	return f.acquire(Acquire{Attempt: c.Attempt})
}

func (f *reference) release(r Record, c Release) schema.Status {
	who := c.Client + ":" + c.Owner
	if c.Token != 0 {
		who = "nobody"
		for _, h := range r.Holds {
			if h.Token == c.Token && c.Token >= 256 {
				who = h.Client + ":" + h.Owner
			}
		}
	}
	h := f.holder(who)
	switch {
	case h == nil:
		return schema.StatusNotHeld
	case c.Token != 0 && c.Named && !strings.HasPrefix(who, c.Client+":"):
		return schema.StatusDenied
	case c.Session != "":
		part := func(s string) bool { return strings.HasPrefix(s, c.Session+"@") }
		if !slices.ContainsFunc(h.sessions, part) {
			return schema.StatusKept
		}
		if len(h.sessions) > 1 {
			h.sessions = slices.DeleteFunc(slices.Clone(h.sessions), part)
			return schema.StatusKept
		}
	}
	attempts, several := h.attempts, r.Holds[r.holdOf(split(who))].Lead != ""
	f.end(func(h refHold) bool { return h.who == who })
	if slices.Contains(attempts, c.Forget) && !several {
		delete(f.over, c.Forget)
	}
	return schema.StatusReleased
}

func (f *reference) cancel(a Attempt) schema.Status {
	mine := func(h refHold) bool { return len(h.attempts) == 1 && h.attempts[0] == a }
	switch {
	case f.dismiss(schema.StatusCanceled, func(w refWait) bool { return w.attempt == a }) > 0:
		return schema.StatusCanceled
	case f.end(mine) > 0:
		return schema.StatusReleased
	}
	known := f.over[a] != ""
	for _, h := range f.holds {
		known = known || slices.Contains(h.attempts, a)
	}
	if !known {
		f.over[a] = schema.StatusCanceled
	}
	return schema.StatusNotHeld
}

func (f *reference) leave(c Leave) {
	gone := func(s string) bool {
		id, epoch, ok := strings.Cut(s, "@")
		presence, _, _ := strings.Cut(id, "/")
		return ok && (id == c.Session || presence == c.Session) && (c.Epoch == 0 || epoch == fmt.Sprint(c.Epoch))
	}
	status := schema.StatusSessionExpired
	if c.Reason == schema.ReasonLeave {
		status = schema.StatusCanceled
	}
	f.dismiss(status, func(w refWait) bool { return gone(w.session) })
	for i := range f.holds {
		h := &f.holds[i]
		had := len(h.sessions)
		h.sessions = slices.DeleteFunc(slices.Clone(h.sessions), gone)
		if had > 0 && len(h.sessions) == 0 {
			h.who += "!"
		}
	}
	f.end(func(h refHold) bool { return strings.HasSuffix(h.who, "!") })
}

// again answers a repeat.
func (h *refHold) again() {
	if h.sure {
		return
	}
	h.open = append(slices.Clone(h.open), h.told)
	if h.told++; h.told > 8 || h.foreign {
		h.was, h.open, h.sure = nil, nil, true
	}
}

func (f *reference) undo(r Record, c Undo) {
	for i := range f.holds {
		h := &f.holds[i]
		if c.Token < 256 || r.Holds[r.holdOf(split(h.who))].Token != c.Token || h.sure {
			continue
		}
		h.open = slices.DeleteFunc(slices.Clone(h.open), func(k int) bool { return k == int(c.Answer) })
		if len(h.open) > 0 {
			return
		}
		gone := *h
		f.holds = slices.Delete(f.holds, i, i+1)
		if gone.was == nil || gone.foreign {
			return
		}
		w := *gone.was
		w.parked = true
		f.queue = append(f.queue, w)
		slices.SortStableFunc(f.queue, func(a, b refWait) int { return int(a.arrival) - int(b.arrival) })
		return
	}
}
