package lock

// A record's weight is what it takes encoded, at most, while the numbers in it
// are within the protocol's bounds. Acquires are refused by weight, so a stored
// record never exceeds MaxBytes. A waiter weighs what the hold weighs that it
// may become and the hold what the waiter weighs that it may be again, and the
// remembered ends are counted in full from the start: so a grant, an undo and
// whatever ends something never make a record heavier.
const (
	recordWeight  = 32 + MaxEnded*endedBytes // a free record
	holdWeight    = 72                       // a hold, without texts, lists and what follows
	sessionWeight = 36                       // one session, without its text
	textWeight    = 2                        // the length of a text
)

// Weight is what the record takes encoded, in bytes, at most.
func (r *Record) Weight() int { return r.weight() }

func (r *Record) weight() int {
	n := recordWeight
	for i := range r.Holds {
		n += r.Holds[i].weight()
	}
	for i := range r.Waiters {
		n += r.Waiters[i].weight()
	}
	for i := range r.Sets {
		n += r.Sets[i].weight()
	}
	return n
}

func (h *Hold) weight() int {
	n := holdWeight + len(h.Client) + len(h.Owner) + len(h.Meta) +
		len(h.Attempts)*attemptBytes + namesWeight(h.Names) + len(h.Lead)
	openers := h.hasOpeners()
	for i := range h.Sessions {
		n += h.Sessions[i].weight(openers)
	}
	if h.Waited != nil {
		// It costs little as long as it says what the hold says.
		if sketch := h.sketch(); h.Waited.differs(&sketch)&^waiterInbox != 0 {
			n += h.Waited.weight()
		} else {
			n += len(h.Waited.Inbox.Subject)
		}
	}
	return n
}

func (w *Waiter) weight() int {
	return holdWeight + len(w.Client) + len(w.Owner) + len(w.Meta) + len(w.Inbox.Subject) +
		attemptBytes + w.Session.weight(!w.Session.isOf(w.Client))
}

func (s *Set) weight() int { return s.Waiter.weight() + namesWeight(s.Names) }

func (s *Session) weight(opener bool) int {
	if *s == (Session{}) {
		return 0
	}
	n := sessionWeight + len(s.ID)
	if opener {
		n += textWeight + len(s.Client)
	}
	return n
}

func namesWeight(names []string) int {
	n := 0
	for _, name := range names {
		n += textWeight + len(name)
	}
	return n
}

// fits reports whether the record may grow by weight.
func (f *Fold) fits(weight int) bool { return weight <= 0 || f.weight+weight <= MaxBytes }

// hasRoom reports whether the record may grow by weight, and refuses if not.
func (f *Fold) hasRoom(weight int) bool {
	if !f.fits(weight) {
		f.reply(full())
		return false
	}
	return true
}

// hasEntry reports whether the record may have one more hold, waiter or set,
// of this weight, and refuses if not.
func (f *Fold) hasEntry(weight int) bool {
	if len(f.r.Holds)+len(f.r.Waiters)+len(f.r.Sets) >= MaxEntries {
		f.reply(crowded())
		return false
	}
	return f.hasRoom(weight)
}
