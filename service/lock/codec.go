package lock

import (
	"errors"
	"slices"

	"github.com/natslock/natslock/schema"
)

// The format of a stored record: a version byte, then the record. Numbers are
// varints, texts have their length before them, attempts take eight bytes. Of a
// waiter only that is written which differs from its sketch: in the queue that
// is the zero Waiter, in the hold that it became what the hold says anyway. Who
// opened a session is written where it is another client than that of the hold
// or the waiter. A record with a session whose terms have changed has the later version:
// behind each session are Change and N.
const (
	version      = 1
	versionTerms = 2
	attemptBytes = 8
	endedBytes   = attemptBytes + 1
)

// The errors of Decode.
var (
	ErrDamaged      = errors.New("lock: record is damaged")
	ErrNewerVersion = errors.New("lock: record was written by a newer version")
)

// modes are the modes as they are written: by their index.
var modes = [...]schema.Mode{"", schema.ModeExclusive, schema.ModeShared}

// The flags of a hold.
const (
	holdWaited  = 1 << iota // it has Waited
	holdNames               // it has Lead or Names
	holdRepeats             // it has Repeats
	holdOpeners             // behind each session it says who opened it: for one of them that is another client
)

// The flags of a waiter.
const (
	waiterShared   = 1 << iota // the mode
	waiterDefault              // DefaultTTL
	waiterParked               // Parked
	waiterIdentity             // attempt, client or owner are not the sketch's
	waiterSession              // the session is not the sketch's
	waiterMeta                 // the meta is not the sketch's
	waiterInbox                // the inbox is not the sketch's
	waiterOpener               // behind the session it says who opened it: another client
)

// version is the one in which the record is written.
func (r *Record) version() byte {
	v := byte(version)
	look := func(s *Session) {
		if s.Change > 0 || s.N > 0 {
			v = versionTerms
		}
	}
	for i := range r.Holds {
		h := &r.Holds[i]
		for k := range h.Sessions {
			look(&h.Sessions[k])
		}
		if h.Waited != nil {
			look(&h.Waited.Session)
		}
	}
	for i := range r.Waiters {
		look(&r.Waiters[i].Session)
	}
	for i := range r.Sets {
		look(&r.Sets[i].Session)
	}
	return v
}

// sketch is what the waiter that became h says as h does.
func (h *Hold) sketch() Waiter {
	s := Waiter{Attempt: h.Attempts[0], Client: h.Client, Owner: h.Owner, Meta: h.Meta}
	if len(h.Sessions) > 0 {
		s.Session = h.Sessions[0]
	}
	return s
}

// isOf reports whether a session of a client's hold or waiter says no more about
// who opened it than that.
func (s *Session) isOf(client string) bool {
	return s.Client == client || s.ID == "" && s.Client == ""
}

// hasOpeners reports whether another client opened one of the sessions.
func (h *Hold) hasOpeners() bool {
	return slices.ContainsFunc(h.Sessions, func(s Session) bool { return !s.isOf(h.Client) })
}

// differs says by flags what w does not have in common with its sketch.
func (w *Waiter) differs(sketch *Waiter) byte {
	flags := byte(0)
	if w.Attempt != sketch.Attempt || w.Client != sketch.Client || w.Owner != sketch.Owner {
		flags |= waiterIdentity
	}
	if w.Session != sketch.Session {
		flags |= waiterSession
		if !w.Session.isOf(w.Client) {
			flags |= waiterOpener
		}
	}
	if string(w.Meta) != string(sketch.Meta) {
		flags |= waiterMeta
	}
	if w.Inbox != sketch.Inbox {
		flags |= waiterInbox
	}
	return flags
}
