package bus

import (
	"context"
	"errors"
	"time"
)

// Entry is a key of the store as it was at a revision.
type Entry struct {
	Key      string
	Value    []byte
	Revision uint64 // 0: the key is not there
}

// Write is one key's new value, stored only if the key is still at Expected.
type Write struct {
	Key      string
	Value    []byte
	Expected uint64        // the revision it must be at; 0: not there
	TTL      time.Duration // when the store may drop it as garbage, whole seconds; 0 is never
}

// Store is a key-value bucket with compare-and-set. Its methods may be called
// concurrently.
type Store interface {
	// Load reads a key from the leader of the store. A key that is not there
	// has revision 0 and is no error. Errors: ErrUnavailable (also when ctx
	// ends), ErrInvalidKey.
	Load(ctx context.Context, key string) (Entry, error)

	// Commit stores all writes or none and returns at once. done is called
	// exactly once, from another goroutine and never from within Commit, with
	// the revision of the last write (write i of n has revision-n+1+i), or
	// with ErrConflict (nothing was stored: a key is not at its expected
	// revision), ErrUnavailable, ErrTooLarge or ErrInvalidKey (nothing was
	// stored), or ErrUnknown (it may have been stored, or may be yet). done
	// must not block. The values may be used again when Commit has returned,
	// or done was called with the revision or ErrConflict.
	Commit(writes []Write, done func(revision uint64, err error))

	// Watch calls seen for every key that is there, then ready once, then seen for
	// every write in order of revision, until ctx ends; calls come one at a
	// time. A write that another of the same key replaces at once may be
	// skipped, the last one never is. What this Store itself committed may be
	// left out: done has told of it. After a broken connection it goes on by
	// itself, and may repeat entries then. Dropping by TTL is not seen. It
	// returns nil when ctx ended, and nothing is called after that.
	Watch(ctx context.Context, seen func(Entry), ready func()) error

	// Scan calls seen for every key that is there, and perhaps for some again,
	// in order of revision, and returns when it has shown at least what the leader
	// of the store had at the start. It takes its time, so that others do not
	// feel it. An error that seen returns ends it and is returned; other errors:
	// ErrUnavailable, and ErrGone of a Bucket.
	Scan(ctx context.Context, seen func(Entry) error) error

	// Extent tells, from the leader of the store, how much is there.
	Extent(ctx context.Context) (Extent, error)

	// Purge drops every key that is at a revision below the one given. No watch
	// sees that. A store that crashes after it may bring back, for a key that
	// was dropped, a value that is older than the dropped one: whoever purges
	// must be able to tell. When it fails it may have been done all the same.
	Purge(ctx context.Context, below uint64) error
}

// Extent is how much a store has.
type Extent struct {
	Keys  uint64
	First uint64 // no key is at a revision below it; when there is none, the next revision
	Bytes uint64 // what it takes
	Limit uint64 // the Bytes at which no write is stored any more; 0: none is known
}

// The errors of a Store.
var (
	ErrConflict    = errors.New("store: key is at another revision")
	ErrUnknown     = errors.New("store: outcome unknown")
	ErrUnavailable = errors.New("store: unavailable")
	ErrTooLarge    = errors.New("store: value too large")
	ErrInvalidKey  = errors.New("store: invalid key")

	// ErrFull comes along with ErrUnavailable or ErrUnknown: there is no room for
	// the write, nor for any other.
	ErrFull = errors.New("store: full")
)
