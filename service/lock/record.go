package lock

import "github.com/natslock/natslock/schema"

// Record is the whole state of one lock: what is stored under its key. The
// zero Record is a free lock that nobody remembers. Records are values:
// nothing in this package changes one that it was given, and no caller may.
type Record struct {
	Mode    schema.Mode // of the holds; "" while there are none
	Size    int64       // of a shared lock in use; 0 is no bound
	Arrived uint64      // the arrival number last given to a waiter
	Holds   []Hold      // in order of grant
	Waiters []Waiter    // in order of arrival
	Sets    []Set       // waiting attempts for several names; they block nobody
	Ended   Ends        // attempts that are over, oldest first

	granted int // grants made since the record was loaded: the index of the next
}

// Session is one session's part in a hold or wait, with all that a worker needs
// to time it again after a restart. The zero Session is none.
type Session struct {
	ID     string // a presence P, or a leaf P/L
	Client string // who opened the presence; not always whose hold or wait it is
	Epoch  uint64 // which opening of it
	TTL    int64  // milliseconds
	Grace  int64  // reconnect grace, milliseconds
	Change uint64 // how often TTL or grace have become others since that opening: see Terms
	N      uint64 // a keepalive with an n up to this one is late; 0 if none is, or before the first change
}

// Hold is one owner's grant.
type Hold struct {
	Client    string
	Owner     string
	Token     Token
	Renewed   uint64 // revision of the last renewal; 0 is the write being made
	TTL       int64  // milliseconds; 0 is none
	Sessions  []Session
	Meta      schema.Meta
	GrantedAt int64 // wall clock, Unix milliseconds: to be shown, never compared

	Attempts []Attempt // the granting one first, then those answered "already"; at most MaxAttempts
	Waited   *Waiter   // what the granting attempt was while it waited; nil if it did not, or if no undo ends the hold
	Repeats  uint8     // of the granting attempt, as far as they were answered; with MaxRepeats no undo ends the hold
	Unheard  uint8     // a bit for each of these answers that found nobody, the lowest for the grant itself
	Lead     string    // of a grant of several names: the smallest of them
	Names    []string  // of a grant of several names, in the record of the smallest: all, in the order asked
}

// Waiter is an acquire that waits its turn.
type Waiter struct {
	Attempt    Attempt
	Arrival    uint64 // its place: waiters are ordered by it
	Client     string
	Owner      string
	Session    Session
	Mode       schema.Mode
	Size       int64
	TTL        int64 // milliseconds
	DefaultTTL bool  // the TTL was not asked for
	Wait       int64 // milliseconds; schema.WaitForever is without end
	Meta       schema.Meta
	Inbox      Inbox
	QueuedAt   int64 // wall clock, Unix milliseconds: to be shown, never compared
	Parked     bool  // its caller was not there; passed over until the attempt is repeated
}

// Set is a waiting attempt for several names, noted in the record of the
// smallest of them.
type Set struct {
	Waiter          // Arrival is not used
	Names  []string // all of them, in the order asked
}

// The bounds of a record. Acquires that would pass one of the first two are
// refused with the status limit; whatever makes a record smaller always works.
const (
	MaxEntries  = 1000      // holds, waiters and sets
	MaxBytes    = 200 << 10 // encoded
	MaxGrants   = 256       // grants in one write: the width of a token's index
	MaxEnded    = 256       // remembered ends of attempts
	MaxAttempts = 256       // remembered attempts of one hold
	MaxSessions = 1000      // sessions of one hold
	MaxRepeats  = 8         // counted repeats of a granting attempt: the width of Unheard
)
