package bus

import "sync"

// restRate is how many commits from one look to the next make it worth while to
// rest.
const restRate = 250

// rest lets a watch sleep while the commits of its own bucket are all that
// happens in the stream. Each of them comes back through the consumer, which
// costs about as much as the commit's acknowledgement, and tells nothing new.
//
// Revisions are dense: as long as each acknowledged commit follows the one
// before, nobody else has written. A gap wakes the watch, which goes on after the last
// revision before it; so does a while with few commits, since a stream in which this
// bucket does nothing has to be watched to be known.
type rest struct {
	gap chan struct{} // holds one when the watch has to wake

	mu      sync.Mutex
	from    uint64 // own commits follow each other from here
	to      uint64 // to here
	commits int    // since the last look
	resting bool
}

func newRest() *rest { return &rest{gap: make(chan struct{}, 1)} }

// committed takes note of an acknowledged commit of n writes.
func (r *rest) committed(revision uint64, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commits += n
	before := revision - uint64(n)
	switch {
	case before == r.to:
		r.to = revision
	case r.resting:
		r.wakeLocked()
	default:
		r.from, r.to = before, revision
	}
}

func (r *rest) wakeLocked() {
	select {
	case r.gap <- struct{}{}:
	default:
	}
}

// look judges the time since the last look, for a watch that has seen
// everything up to last. It reports whether the watch may rest.
func (r *rest) look(last uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resting = r.commits >= restRate && r.from <= last && last <= r.to && len(r.gap) == 0
	r.commits = 0
	return r.resting
}

// wake ends the rest, if there was one, and returns up to where the stream is known then.
func (r *rest) wake(last uint64) uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.resting {
		last = max(last, r.to)
	}
	r.resting = false
	r.from, r.to, r.commits = 0, 0, 0
	select {
	case <-r.gap:
	default:
	}
	return last
}
