package service

import (
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// patience is how long a caller is kept while the store does not decide. Then
// it is told unavailable; what was begun goes on.
const patience = 4 * time.Second

// caller is who waits for the answer to a request. The zero caller is nobody.
type caller struct {
	inbox    string
	encoding schema.Encoding
	verb     schema.Verb         // of the request; "" for what is part of something larger
	asked    time.Time           // when it came; zero if it has waited for a lock
	report   func(*schema.Reply) // instead of inbox, for what is part of something larger
}

// job is a command on its way into a lock's record, or a seat.
type job struct {
	command lock.Command
	caller  caller
	asked   time.Time // zero: it is the worker's own, and no caller's patience ends
	late    bool      // the caller has been told unavailable
	inner   bool      // the worker's own: no bound refuses it
	hurry   bool      // has waited for company
	ended   func()    // called when the store has decided; may be nil

	seat *gathering // instead of command: the lock is to be kept for several at once
}

// lingers reports whether the job may wait a moment for company: see
// actor.lingers.
func (j *job) lingers() bool {
	c, ok := j.command.(lock.Acquire)
	return ok && c.Wait != 0 && !j.hurry
}

// stale reports whether j is not to happen any more, unless a write with it is
// in doubt: its caller has been told unavailable, may have asked again and been
// refused, and it is about whatever is there when it happens.
func (j *job) stale() bool {
	if !j.late {
		return false
	}
	switch c := j.command.(type) {
	case lock.Acquire:
		return true
	case lock.Release:
		return c.Token == 0
	case lock.Force:
		return c.Token == 0
	}
	return false
}
