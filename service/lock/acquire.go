package lock

import "github.com/natslock/natslock/schema"

func (c Acquire) apply(f *Fold) {
	if f.repeat(c.Attempt, c.Inbox, c.Lead != "") {
		return
	}
	if c.Barred != nil {
		f.reply(*c.Barred)
		return
	}
	w := c.waiter()
	if w.TTL == 0 && w.Session.ID == "" {
		f.reply(refusal(schema.StatusInvalid, "ttl_ms: 0 is no TTL and needs a session"))
		return
	}
	if i := f.r.holdOf(w.Client, w.Owner); i >= 0 {
		if c.Fresh {
			f.reply(f.r.haveReply(i))
			return
		}
		f.reply(f.join(i, &w))
		return
	}
	switch {
	case f.r.mismatches(&w):
		f.reply(sizeMismatch())
	case f.r.next() < 0 && f.r.admits(&w):
		f.enter(c, &w)
	case c.Wait == 0:
		f.reply(f.r.heldReply())
	default:
		f.queue(w)
	}
}

// waiter is the acquire as it waits, but for its arrival.
func (c *Acquire) waiter() Waiter {
	return Waiter{
		Attempt: c.Attempt, Client: c.Client, Owner: c.Owner, Session: c.Session,
		Mode: c.Mode, Size: c.Size, TTL: c.TTL, DefaultTTL: c.DefaultTTL, Wait: c.Wait,
		Meta: c.Meta, Inbox: c.Inbox, QueuedAt: c.At,
	}.plain()
}

// plain is w in the one way to say what it says.
func (w Waiter) plain() Waiter {
	if w.Mode != schema.ModeShared {
		w.Mode, w.Size = schema.ModeExclusive, 0
	}
	if len(w.Meta) == 0 {
		w.Meta = nil
	}
	if w.Session.ID == "" {
		w.Session = Session{}
	}
	return w
}

// enter grants an acquire that fits.
func (f *Fold) enter(c Acquire, w *Waiter) {
	h := w.hold()
	h.Waited, h.Lead = c.Waited, c.Lead
	if len(c.Names) > 0 {
		h.Names = c.Names
	}
	switch {
	case !f.hasEntry(h.weight()):
	case f.r.granted < MaxGrants:
		f.reply(f.grant(h, w, c.Since))
	case c.Wait != 0:
		f.queue(*w)
	default:
		f.reply(limit("too many grants of the lock at one instant; repeat the request"))
	}
}

// queue lets an acquire wait its turn.
func (f *Fold) queue(w Waiter) {
	if !f.hasEntry(w.weight()) {
		return
	}
	f.r.Arrived++
	w.Arrival = f.r.Arrived
	f.addWaiter(w)
	f.happened(w.event(schema.EventQueued, ""))
}

// hold is the hold that w asks for, without a token.
func (w *Waiter) hold() Hold {
	h := Hold{
		Client: w.Client, Owner: w.Owner, TTL: w.TTL, Meta: w.Meta,
		GrantedAt: w.QueuedAt, Attempts: []Attempt{w.Attempt},
	}
	if w.Session.ID != "" {
		h.Sessions = []Session{w.Session}
	}
	return h
}

// mismatches reports whether w is for another size than the lock is in use with.
func (r *Record) mismatches(w *Waiter) bool {
	return w.Mode == schema.ModeShared && r.Mode == schema.ModeShared && w.Size != r.Size
}

// admits reports whether w fits beside the holds.
func (r *Record) admits(w *Waiter) bool {
	if len(r.Holds) == 0 {
		return true
	}
	return w.Mode == schema.ModeShared && r.Mode == schema.ModeShared && w.Size == r.Size &&
		(r.Size == 0 || int64(len(r.Holds)) < r.Size)
}
