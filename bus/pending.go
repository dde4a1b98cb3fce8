package bus

import (
	"sync"
	"time"
)

// A commit is one write or batch whose outcome is not known yet.
type commit struct {
	done     func(revision uint64, err error) // nil: the outcome is known
	writes   int
	deadline time.Time
	refused  error // not nil: it was not even sent
	box      int   // where its acknowledgement comes
}

// pending are the commits that wait for their outcome, in order of their ids.
// All have the same time to live, so the first is always the next to be over:
// one timer watches them all. It is a ring, so that a commit costs no allocation.
type pending struct {
	mu    sync.Mutex
	ring  []commit // its length is a power of two
	first uint64   // id of the oldest that may still wait
	next  uint64   // id of the next commit
	timed bool     // somebody will look when the first is over
	boxes boxes
}

const firstRing = 256

// add takes a commit in and returns its id, and the last token of the subject at which
// its acknowledgement is to come. untimed says that nobody would look when its time is
// over, and has to be told.
func (p *pending) add(c commit) (id uint64, token string, untimed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next-p.first == uint64(len(p.ring)) {
		p.grow()
	}
	id = p.next
	p.next++
	c.box, token = p.boxes.take(id)
	*p.at(id) = c
	untimed = !p.timed
	p.timed = true
	return id, token, untimed
}

func (p *pending) at(id uint64) *commit { return &p.ring[id&uint64(len(p.ring)-1)] }

func (p *pending) grow() {
	ring := make([]commit, max(firstRing, 2*len(p.ring)))
	for id := p.first; id < p.next; id++ {
		ring[id&uint64(len(ring)-1)] = *p.at(id)
	}
	p.ring = ring
}

// take takes the commit out whose acknowledgement has come at the token; ok is false when
// its outcome was known already. The acknowledgement tells the revision of the last of a number of
// writes; both are 0 if it is another answer.
func (p *pending) take(token string, revision uint64, writes int) (c commit, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id, ok := p.boxes.find(token, revision)
	if !ok {
		return c, false
	}
	c = *p.at(id)
	*p.at(id) = commit{}
	if writes != c.writes {
		revision = 0
	}
	p.boxes.giveBack(c.box, revision)
	p.passLocked()
	return c, true
}

// replicated notes whether more than one server has the bucket.
func (p *pending) replicated(is bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if is && !p.boxes.once {
		p.boxes.turnIdle()
	}
	p.boxes.once = is
}

// passLocked goes on to the oldest that waits.
func (p *pending) passLocked() {
	for p.first < p.next && p.at(p.first).done == nil {
		p.first++
	}
}

// refuse notes that the commit was not sent.
func (p *pending) refuse(id uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id >= p.first && id < p.next {
		p.at(id).refused = err
	}
}

// over takes out what was refused and what is past its deadline (or all, if
// all is set), and tells when to look next: zero if none waits.
func (p *pending) over(now time.Time, all bool) (list []commit, next time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id := p.first; id < p.next; id++ {
		c := p.at(id)
		if c.done != nil && (all || c.refused != nil || !c.deadline.After(now)) {
			list = append(list, *c)
			p.boxes.giveBack(c.box, 0)
			*c = commit{}
		}
	}
	if all || len(list) > 0 {
		p.boxes.turnIdle() // a bucket in memory may count from the beginning now
	}
	p.passLocked()
	p.timed = p.first < p.next
	if p.timed {
		next = p.at(p.first).deadline
	}
	return list, next
}
