package service

import (
	"fmt"
	"sync"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// How much of a store is kept free, so that whatever makes it smaller can always
// be written: the store takes the new record before it drops the old one.
const (
	reserveShare = 10       // one part of so many of a limit at which nothing is stored any more
	reserveLeast = 16 << 20 // bytes, but no more than half of such a limit
	spareShare   = 20       // one part of so many of the limit must come free before anything new is taken again
)

// How long a store that had no room for a write counts as one that has none.
const (
	fullFor  = 10 * time.Second // for what would make it larger, also when only that did not fit
	stuckFor = 2 * time.Second  // for everything: what failed is tried again much sooner
)

// entryBytes is what a new key takes in the store, beside itself and its value.
const entryBytes = 192

// space is how much room a store has. What makes the store larger has to take
// its room first, so that no burst from one look at the store to the next goes
// beyond the limit; what others write counts when it is seen, and is for the reserve until then.
type space struct {
	mu      sync.Mutex
	used    int64 // when it was last looked at
	limit   int64 // beyond which nothing new is stored; 0: none is known
	begun   int64 // bytes taken ever
	settled int64 // of them, those of writes that are over
	mark    int64 // settled, before it was last looked at
	scarce  bool
	passed  time.Time     // when the limit would last have been passed
	failed  time.Time     // when a write last found no room
	calm    time.Duration // fullFor

	wake chan struct{} // has one when it is worth while to look at the store
}

func newSpace() *space { return &space{wake: make(chan struct{}, 1), calm: fullFor} }

// take takes room for a write that makes the store larger by n bytes, unless
// there is none. What does not make it larger always finds room.
func (s *space) take(n int64) bool {
	if n <= 0 {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 && s.expectedLocked()+n > s.limit {
		s.passed = time.Now()
		s.scarceLocked()
	}
	if s.scarce {
		return false
	}
	s.begun += n
	return true
}

// insist takes room for what has to be stored whether there is room or not.
func (s *space) insist(n int64) {
	if n <= 0 {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun += n
}

// others tells that another worker has made the store larger, or smaller, by grown.
// It need not be known where nothing is bounded.
func (s *space) others(grown func() int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.limit > 0 {
		n := grown()
		s.begun += n
		s.settled += n
	}
}

// landed tells that a write is over whose room was taken, or that made the store smaller.
func (s *space) landed(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 {
		s.begun += n
	}
	s.settled += n
}

// refused tells that a write found no room.
func (s *space) refused() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = time.Now()
	s.scarceLocked()
}

func (s *space) scarceLocked() {
	if s.scarce {
		return
	}
	s.scarce = true
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *space) expectedLocked() int64 { return s.used + s.begun - s.mark }

// looking is called before the store is looked at, and returns what looked is to know.
func (s *space) looking() (settled int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settled
}

// looked tells what the store has. What was settled before is in it.
func (s *space) looked(used, limit, settled int64) (scarce bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used, s.limit, s.mark = used, limit, settled
	room := limit == 0 || s.expectedLocked() <= limit-limit/spareShare
	switch {
	case limit > 0 && s.expectedLocked() >= limit:
		s.scarce = true
	case room && !recently(s.passed, s.calm) && !recently(s.failed, s.calm):
		s.scarce = false
	}
	return s.scarce
}

// state is how full the store is; stuck: nothing at all can be stored.
func (s *space) state() (used, limit int64, scarce, stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.expectedLocked(), s.limit, s.scarce, recently(s.failed, stuckFor)
}

func (s *space) isScarce() bool {
	_, _, scarce, _ := s.state()
	return scarce
}

func (s *space) isStuck() bool {
	_, _, _, stuck := s.state()
	return stuck
}

// recently reports whether at was less than d ago. The zero time never was.
func recently(at time.Time, d time.Duration) bool { return !at.IsZero() && time.Since(at) < d }

// refusal is the answer to what would make the store larger.
func (s *space) refusal() refusal {
	used, limit, _, _ := s.state()
	much := ""
	if limit > 0 {
		much = fmt.Sprintf(" (%s of %s)", inMiB(used), inMiB(limit))
	}
	return refusal{schema.StatusLimit, "the store is nearly full" + much +
		": nothing new is locked until there is room; release or force what is not needed, or give it more (--max-store, the disk, the limits of the NATS account)"}
}

func inMiB(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// limitOf is how many bytes a store may take, 0 for any number. most is what it is
// to take at most, 0 for no such bound; room is what its disk has for it, -1 if
// nobody knows.
func limitOf(e bus.Extent, most, room int64) (limit int64) {
	lower := func(n int64) {
		if limit == 0 || n < limit {
			limit = max(n, 1)
		}
	}
	if most > 0 {
		lower(most)
	}
	if e.Limit > 0 {
		hard := int64(e.Limit)
		lower(hard - max(hard/reserveShare, min(reserveLeast, hard/2)))
	}
	if room >= 0 {
		lower(int64(e.Bytes) + room)
	}
	return limit
}
