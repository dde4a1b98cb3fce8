package schema

// Status is the outcome of a request. The set is closed.
type Status string

// The statuses of the protocol, in its order.
const (
	StatusGranted        Status = "granted"         // the owner holds the lock now; the token is new
	StatusAlready        Status = "already"         // the owner held it; same token, TTL restarted
	StatusReleased       Status = "released"        // the hold has ended
	StatusKept           Status = "kept"            // this session left the hold, others keep it
	StatusRenewed        Status = "renewed"         // the TTL has restarted
	StatusCanceled       Status = "canceled"        // the waiter is gone
	StatusOK             Status = "ok"              // inspect, list, keepalive, leave
	StatusHeld           Status = "held"            // somebody else has it
	StatusTimeout        Status = "timeout"         // the wait has passed
	StatusNotHeld        Status = "not_held"        // no such hold
	StatusSizeMismatch   Status = "size_mismatch"   // the lock is in use with another size or mode
	StatusSessionExpired Status = "session_expired" // the session is not known, fell silent or lost its connection
	StatusLimit          Status = "limit"           // a bound of the server would be passed
	StatusInvalid        Status = "invalid"         // the request makes no sense
	StatusDenied         Status = "denied"          // not allowed
	StatusUnavailable    Status = "unavailable"     // nobody could decide; the outcome is unknown
	StatusInternal       Status = "internal"        // a fault of the service
)

// Verb is what a request asks for: the third token of its subject.
type Verb string

// The verbs of the protocol.
const (
	VerbAcquire   Verb = "acquire"
	VerbRelease   Verb = "release"
	VerbRenew     Verb = "renew"
	VerbCancel    Verb = "cancel"
	VerbInspect   Verb = "inspect"
	VerbList      Verb = "list"
	VerbKeepalive Verb = "keepalive"
	VerbLeave     Verb = "leave"
	VerbForce     Verb = "force"
)

// Mode says whether a hold is alone or together with others.
type Mode string

// The modes of a hold.
const (
	ModeExclusive Mode = "exclusive" // alone
	ModeShared    Mode = "shared"    // together with other shared holders, at most size of them
)

// EventType is the kind of an Event: the last token of its subject.
type EventType string

// The types of events.
const (
	EventGranted  EventType = "granted"
	EventReleased EventType = "released"
	EventExpired  EventType = "expired"
	EventOrphaned EventType = "orphaned"
	EventForced   EventType = "forced"
	EventQueued   EventType = "queued"
	EventCanceled EventType = "canceled"
)

// Reason says why a hold or a wait ended, in events. That of forced is whatever
// the caller gave.
type Reason string

// The reasons of the events released, orphaned and canceled. A waiter that its
// caller canceled has none.
const (
	ReasonRelease      Reason = "release"       // released
	ReasonUndone       Reason = "undone"        // released: nobody listened for the grant
	ReasonLeave        Reason = "leave"         // released, canceled
	ReasonSilence      Reason = "silence"       // orphaned, canceled
	ReasonDisconnect   Reason = "disconnect"    // orphaned, canceled
	ReasonTimeout      Reason = "timeout"       // canceled: the wait has passed
	ReasonSizeMismatch Reason = "size_mismatch" // canceled: the size did not fit when its turn came
	ReasonAlready      Reason = "already"       // canceled: the owner was granted the lock by another attempt, and the waiter joined it
	ReasonLimit        Reason = "limit"         // canceled: it could not join the hold of its owner
)

// Statuses lists the statuses of the protocol.
func Statuses() []Status {
	return []Status{
		StatusGranted, StatusAlready, StatusReleased, StatusKept, StatusRenewed, StatusCanceled, StatusOK,
		StatusHeld, StatusTimeout, StatusNotHeld,
		StatusSizeMismatch, StatusSessionExpired, StatusLimit, StatusInvalid, StatusDenied, StatusUnavailable, StatusInternal,
	}
}

// OK reports whether the status says that what was asked for is so. Canceled
// is ok only as the answer to a cancel: to the waiting acquire it is not.
func (s Status) OK() bool {
	switch s {
	case StatusGranted, StatusAlready, StatusReleased, StatusKept, StatusRenewed, StatusCanceled, StatusOK:
		return true
	}
	return false
}

// Fault reports whether a reply with this status carries the service error
// headers of NATS. Held, timeout and not_held are answers, not faults.
func (s Status) Fault() bool {
	switch s {
	case StatusSizeMismatch, StatusSessionExpired, StatusLimit, StatusInvalid, StatusDenied,
		StatusUnavailable, StatusInternal:
		return true
	}
	return false
}

// Valid reports whether the status is one of the protocol.
func (s Status) Valid() bool {
	switch s {
	case StatusHeld, StatusTimeout, StatusNotHeld:
		return true
	}
	return s.OK() || s.Fault()
}

// Verbs returns all verbs, in the order of the protocol.
func Verbs() []Verb {
	return []Verb{
		VerbAcquire, VerbRelease, VerbRenew, VerbCancel, VerbInspect, VerbList,
		VerbKeepalive, VerbLeave, VerbForce,
	}
}

// Valid reports whether the verb is one of the protocol.
func (v Verb) Valid() bool {
	switch v {
	case VerbAcquire, VerbRelease, VerbRenew, VerbCancel, VerbInspect, VerbList,
		VerbKeepalive, VerbLeave, VerbForce:
		return true
	}
	return false
}

// Valid reports whether the mode is exclusive or shared.
func (m Mode) Valid() bool {
	return m == ModeExclusive || m == ModeShared
}

// Valid reports whether the type is one of the protocol.
func (t EventType) Valid() bool {
	switch t {
	case EventGranted, EventReleased, EventExpired, EventOrphaned, EventForced, EventQueued, EventCanceled:
		return true
	}
	return false
}
