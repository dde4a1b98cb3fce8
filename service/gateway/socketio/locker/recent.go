package locker

import (
	"bytes"
	"strings"
	"sync"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
)

// recents are the last locks that were taken here, by token, for those who watch: of one
// that was held for a moment only, the service has nothing any more to tell when its event
// comes.
type recents struct {
	mu      sync.Mutex
	watched int                     // realms
	records *gateway.Lately[record] // nil while nothing is watched: then nothing is kept
}

const maxRecents = 1024

// watch has locks kept until it is over.
func (r *recents) watch() (over func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watched++; r.watched == 1 {
		r.records = gateway.NewLately[record](maxRecents)
	}
	return r.unwatch
}

func (r *recents) unwatch() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watched--; r.watched == 0 {
		r.records = nil
	}
}

// keep keeps a lock that was taken, unless it is larger than what the service keeps.
func (r *recents) keep(token uint64, taken record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.records != nil && taken.size() <= schema.MaxMeta {
		r.records.Keep(token, taken.clone())
	}
}

// find returns a lock that was taken here lately.
func (r *recents) find(token uint64) (taken record, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.records == nil {
		return record{}, false
	}
	return r.records.Find(token)
}

// size is that of the resource and the details.
func (r *record) size() int {
	size := len(r.resource)
	for _, m := range r.details {
		size += len(m.name) + len(m.value)
	}
	return size
}

// clone is the record without what it came in, which may be much larger.
func (r *record) clone() record {
	c := *r
	c.resource = bytes.Clone(r.resource)
	c.details = make(object, 0, len(r.details))
	for _, m := range r.details {
		c.details = append(c.details, member{strings.Clone(m.name), bytes.Clone(m.value)})
	}
	return c
}
