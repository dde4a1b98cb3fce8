package lock

import "github.com/natslock/natslock/schema"

// Command is something that is to happen to a lock. The set is closed: Acquire,
// Release, Renew, Cancel, GiveUp, Leave, Expire, Force, Undo, Retell, Note,
// Unnote, Promote, Touch and Terms.
type Command interface {
	apply(f *Fold)
}

// Acquire asks for the lock.
type Acquire struct {
	Attempt    Attempt
	Client     string
	Owner      string // never empty: the worker makes a fresh one
	Session    Session
	Mode       schema.Mode
	Size       int64
	TTL        int64 // milliseconds; 0 is none
	DefaultTTL bool  // the TTL was not asked for: a hold that lives keeps its own
	Wait       int64 // milliseconds; 0 answers at once
	Fresh      bool  // who holds the lock already is told so, and nothing else happens
	Meta       schema.Meta
	Inbox      Inbox
	At         int64         // wall clock, Unix milliseconds
	Barred     *schema.Reply // why it cannot be granted, nor wait: what its session has come to, or that the store is full. Nothing to a repeat; nil if nothing bars it
	Lead       string        // part of several names: the smallest of them
	Names      []string      // in the smallest one's record: all of them
	Waited     *Waiter       // part of several names that waited: in the smallest one's record
	Since      int64         // when these began to wait, Unix milliseconds; 0 if they did not
}

// Release ends a hold, or one session's part in it.
type Release struct {
	Token   Token  // 0: by Client and Owner
	Client  string // whose hold; with a Token only if Named
	Owner   string
	Named   bool    // the caller was named by its subject: the hold must be of Client
	Session string  // "" is the whole hold
	Show    bool    // the reply names the holders
	Forget  Attempt // of the hold, if that ends: it is not sent again, and so not remembered; 0 is none
}

// Renew restarts a TTL.
type Renew struct {
	Token  Token
	Client string
	Named  bool  // the hold must be of Client
	TTL    int64 // milliseconds; used if Given
	Given  bool
}

// Cancel ends an attempt at its caller's wish.
type Cancel struct {
	Attempt Attempt
	Barred  *schema.Reply // why an attempt that is not known cannot be remembered; nil if nothing bars it
}

// GiveUp ends an attempt whose wait is over.
type GiveUp struct{ Attempt Attempt }

// Leave ends every part of a session in this lock: of a presence with its
// leaves, or of one leaf.
type Leave struct {
	Session string
	Epoch   uint64        // 0 is any
	Reason  schema.Reason // leave, silence or disconnect
}

// Expire ends a hold whose TTL is over, unless it was renewed meanwhile.
type Expire struct {
	Token   Token
	Renewed uint64
}

// Force ends every hold, or the one with the token.
type Force struct {
	Token  Token // 0 is all
	Reason string
}

// Undo says that an answer which told of a grant found nobody. When none of
// them has found anybody, what was newly granted is taken back.
type Undo struct {
	Token  Token
	Answer uint8 // which one: as Outcome.Repeat said; 0 is the grant's own
}

// Retell answers an attempt that waited, once more: it may not have been told
// what became of it. It does nothing while the attempt waits.
type Retell struct {
	Attempt Attempt
	Inbox   Inbox
}

// Note writes down a waiting attempt for several names. A note that is there
// already takes the new inbox.
type Note struct{ Set Set }

// Unnote takes the note of an attempt away, because it was granted.
type Unnote struct{ Attempt Attempt }

// Promote grants what can be granted. Every command does; this one does nothing
// else, for what more than MaxGrants grants have left over.
type Promote struct{}

// Touch has the record of a lock that is held or waited for written once more,
// just as it is: so that it stands at a new revision. No TTL starts again by it.
type Touch struct{}

// Terms says which TTL and grace an opening of a presence has by now, for all that
// it and its leaves hold or wait for, so that they outlive the record of the presence
// itself. Change counts how often they have become others: older terms than those
// that are known do nothing. So it does not matter who says it, how often, and how late.
type Terms struct {
	Session string // a presence
	Epoch   uint64
	TTL     int64 // milliseconds
	Grace   int64 // milliseconds
	Change  uint64
	N       uint64 // of the last keepalive that counted
}
