package schema

import "time"

// Acquire asks for one lock (Name) or several (Names, all or none).
type Acquire struct {
	Name    string
	Names   []string
	Client  string
	Owner   string // "" is a fresh one for each acquire
	Session string // "" is none
	Request string // "" is a fresh one
	Mode    Mode   // "" is exclusive
	Size    int64  // shared only; 0 is no bound
	TTL     *int64 // ttl_ms; nil is the default
	Wait    int64  // wait_ms; 0 answers at once, WaitForever waits without end
	Meta    Meta
	Fresh   bool // a new hold: who has one already is told of it, and no more
}

// Release ends one hold by token or owner, or several.
type Release struct {
	Name    string
	Names   []string
	Locks   []LockToken
	Client  string
	Owner   string
	Token   uint64 // 0 is none
	Session string // only this session's part in the hold
	Show    bool   // the reply is to have the holders
	Forget  string // the request of an acquire that nobody sends again: it is not remembered
}

// LockToken names one hold.
type LockToken struct {
	Name  string
	Token uint64
}

// Renew restarts the TTL of a hold.
type Renew struct {
	Name   string
	Client string
	Token  uint64
	TTL    *int64 // ttl_ms; nil is the same again
}

// Cancel takes a waiting attempt out of the queue.
type Cancel struct {
	Name    string
	Client  string
	Request string
}

// Inspect asks for the state of locks, from the leader of the store.
type Inspect struct {
	Name   string
	Names  []string
	Client string
}

// List asks for the held locks of a realm, sorted by name.
type List struct {
	Prefix  string
	Holder  string // a client
	Session string
	Client  string
	Limit   *int64 // nil is DefaultListLimit
	Cursor  string
	// Sessions asks for the presences that locks of the realm name, and the
	// caller's own, instead of locks. Holder and Session filter them.
	Sessions bool
}

// Keepalive says that a presence is alive.
type Keepalive struct {
	Session string
	Client  string
	TTL     *int64 // ttl_ms; nil is the default, or as before
	Create  bool
	Server  string  // the NATS server id of the caller's connection
	CID     *uint64 // its connection id
	Grace   *int64  // grace_ms; nil is the default, or as before
	Epoch   uint64  // the opening that is meant; 0 is any
	N       uint64  // grows from one keepalive to the next; 0 is unordered
}

// Leave ends a presence with its leaves, or one leaf.
type Leave struct {
	Session string
	Client  string
	Epoch   uint64 // the opening that is meant; 0 is any
}

// Force ends holds whoever has them.
type Force struct {
	Name   string
	Client string
	Token  uint64 // 0 is all
	Reason string
}

// Reply answers every verb; which fields are set depends on verb and status.
type Reply struct {
	Status  Status
	Message string // for people; present whenever the status is not ok

	Name    string
	Token   uint64
	Owner   string
	TTL     *int64 // ttl_ms
	Count   *int64
	Holders []Holder
	Locks   []LockState // of several names, inspect and list
	Cursor  string
	Epoch   uint64

	Sessions []SessionState // of a list of sessions
}

// SessionState is one presence with its leaves, as a list shows it.
type SessionState struct {
	Session   string
	Client    string // who opened it
	TTL       int64  // ttl_ms
	Grace     int64  // grace_ms
	ExpiresIn *int64 // expires_in_ms: without another keepalive
	Holds     int64  // in the realm
	Waiters   int64  // in the realm
	OpenedAt  time.Time
}

// LockState is one element of a reply's locks: name and token of an acquire,
// name and status of a release, all but those two of an inspect or list.
type LockState struct {
	Name    string
	Token   uint64
	Status  Status
	Held    *bool
	Mode    Mode
	Size    int64
	Holders []Holder
	Waiters []Waiter
}

// Holder is one hold as others see it.
type Holder struct {
	Owner     string
	Client    string
	Sessions  []string
	Token     uint64
	TTL       int64  // ttl_ms
	ExpiresIn *int64 // expires_in_ms
	GrantedAt time.Time
	Meta      Meta
}

// Waiter is one waiting attempt as others see it.
type Waiter struct {
	Owner    string
	Client   string
	Session  string
	Mode     Mode
	QueuedAt time.Time
	Meta     Meta
}

// Event tells of one hold or waiter; always JSON.
type Event struct {
	Type    EventType
	Realm   string
	Name    string
	Client  string
	Owner   string
	Session string
	Token   uint64
	Mode    Mode
	Reason  string
	Waited  *int64 // waited_ms
	Held    *int64 // held_ms
	At      time.Time
}

// Meta is a JSON object in its compact text form; nil is none. In MessagePack
// messages it is a map.
type Meta []byte
