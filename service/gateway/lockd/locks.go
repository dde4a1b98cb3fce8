package lockd

import (
	"context"
	"errors"
	"iter"
)

// Kind says which locks are meant: those of one kind do not know of the others.
type Kind uint8

// The kinds of locks.
const (
	Exclusive Kind = iota
	Shared
)

// Locks is what the door needs of the service. It may be called concurrently.
type Locks interface {
	// Open begins the session of a connection, by whose address others know it.
	// lost is called, at most once, when what the session holds may be somebody
	// else's, unless it has left before.
	Open(ctx context.Context, address string, lost func()) (Session, error)

	// Inspect returns a lock as it is, which may be held by nobody.
	Inspect(ctx context.Context, k Kind, name string) (Lock, error)

	// List returns the locks that are held, sorted by name. After an error there is
	// no more.
	List(ctx context.Context, k Kind) iter.Seq2[Lock, error]
}

// Session is what a connection holds its locks by. But for Leave it is called by
// one goroutine at a time.
type Session interface {
	// ID is another for each session of the service.
	ID() string

	// Acquire takes a lock, unless others have it: ErrHeld. What the session holds
	// already it keeps, with the same token. After another error it is not held, and
	// ErrLost says that nothing is.
	Acquire(ctx context.Context, k Kind, name string) (Grant, error)

	// Release ends a hold by its token. ErrNotHeld says that it had ended.
	Release(ctx context.Context, k Kind, name string, token uint64) error

	// Leave ends the session, and releases all that it holds. If that takes long it
	// returns earlier, and it goes on in the background.
	Leave()
}

// What becomes of a session's requests, beside errors that say why nobody knows.
var (
	ErrHeld    = errors.New("held by others")
	ErrNotHeld = errors.New("not held")
	ErrLost    = errors.New("the session is lost, and what it held")
)

// Grant is a lock that was taken.
type Grant struct {
	Token uint64
	Count int // holders, this one included
}

// Lock is a lock as others see it.
type Lock struct {
	Name    string
	Holders []Holder
}

// Holder is who holds a lock.
type Holder struct {
	Session string // "" if it is none of a door
	Address string
}
