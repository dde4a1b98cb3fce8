//go:build linux

package soak

import (
	"fmt"
	"sync"
)

// stay is the time in which a visitor holds a lock, as it believes.
type stay struct {
	visitor visitor
	who     string
	doubts  []*doubt
	over    bool // it has begun to release, or to end its connection
}

// doubt is two stays at the same time, of which at most one is right: the other one's
// connection has ended, which nobody has told it yet. If both turn out to be alive
// afterwards, two have held the lock at once.
type doubt struct {
	of        [2]*stay
	confirmed int
}

// room is what a lock guards, if its visitors have one connection each.
type room struct {
	mu     sync.Mutex
	inside map[*stay]struct{}
}

// enter begins a stay.
func (r *room) enter(s *stay) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inside == nil {
		r.inside = map[*stay]struct{}{}
	}
	for other := range r.inside {
		if other.over || other.visitor.raw().ended() || s.visitor.raw().ended() {
			continue
		}
		d := &doubt{of: [2]*stay{other, s}}
		other.doubts = append(other.doubts, d)
		s.doubts = append(s.doubts, d)
	}
	r.inside[s] = struct{}{}
}

// end takes note that a stay ends by its visitor's will, and tells whether somebody
// wants to know if it is right until then.
func (r *room) end(s *stay) (doubted bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s.over = true
	return len(s.doubts) > 0
}

// leave ends a stay, which was right until its end, or not.
func (r *room) leave(s *stay, right bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.inside, s)
	if !right {
		return nil
	}
	for _, d := range s.doubts {
		if d.confirmed++; d.confirmed == len(d.of) {
			return fmt.Errorf("%s and %s hold the same lock at once", d.of[0].who, d.of[1].who)
		}
	}
	return nil
}
