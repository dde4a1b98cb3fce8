package locker

import (
	"sync"
	"sync/atomic"
)

// recents are the last locks that were taken here, by token, for those who watch: of one
// that was held for a moment only, the service has nothing any more to tell when its event
// comes.
type recents struct {
	watched atomic.Int64 // realms; without any, nothing is kept

	mu      sync.Mutex
	records map[uint64]record
	tokens  [maxRecents]uint64 // of them, in a ring
	next    int
}

const maxRecents = 1024

// keep keeps a lock that was taken.
func (r *recents) keep(token uint64, taken record) {
	if r.watched.Load() == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.records == nil {
		r.records = make(map[uint64]record, maxRecents)
	}
	delete(r.records, r.tokens[r.next])
	r.tokens[r.next] = token
	r.records[token] = taken
	r.next = (r.next + 1) % maxRecents
}

// find returns a lock that was taken here lately.
func (r *recents) find(token uint64) (taken record, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken, ok = r.records[token]
	return taken, ok
}
