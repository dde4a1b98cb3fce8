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
}

const firstRing = 256

// add takes a commit in and returns its id. untimed says that nobody would look
// when its time is over, and has to be told.
func (p *pending) add(c commit) (id uint64, untimed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.next-p.first == uint64(len(p.ring)) {
		p.grow()
	}
	id = p.next
	p.next++
	*p.at(id) = c
	untimed = !p.timed
	p.timed = true
	return id, untimed
}

func (p *pending) at(id uint64) *commit { return &p.ring[id&uint64(len(p.ring)-1)] }

func (p *pending) grow() {
	ring := make([]commit, max(firstRing, 2*len(p.ring)))
	for id := p.first; id < p.next; id++ {
		ring[id&uint64(len(ring)-1)] = *p.at(id)
	}
	p.ring = ring
}

// take takes the commit out; ok is false when its outcome was known already.
func (p *pending) take(id uint64) (c commit, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if id < p.first || id >= p.next {
		return c, false
	}
	c = *p.at(id)
	if c.done == nil {
		return c, false
	}
	*p.at(id) = commit{}
	for p.first < p.next && p.at(p.first).done == nil {
		p.first++
	}
	return c, true
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
			*c = commit{}
		}
	}
	for p.first < p.next && p.at(p.first).done == nil {
		p.first++
	}
	p.timed = p.first < p.next
	if p.timed {
		next = p.at(p.first).deadline
	}
	return list, next
}
