package client

import (
	"context"
	"errors"
	"slices"

	"github.com/natslock/natslock/schema"
)

// maxSurveyed is how many locks are looked at with one request.
const maxSurveyed = 64

// survey is the chore of looking whether the holds are there that a presence keeps:
// one of them can be ended by others, and the event of that is missed while there is
// no connection. Some are looked at in each TTL of the session, and all of them at
// once after a reconnect. What is not there is not lost by that: its lock asks.
type survey struct {
	p        *presence
	place    slot
	left     []string // names, of this round
	some     []string // of them, looked at now
	anew     bool     // another round is to begin
	hurry    bool     // without waiting in between
	failures int      // in a row
}

func (s *survey) when() *slot { return &s.place }

// hurryLocked begins a round that goes on until all are looked at.
func (s *survey) hurryLocked() {
	s.anew, s.hurry = true, true
	if s.some == nil {
		s.p.c.setLocked(s, s.p.c.now())
	}
}

// dueLocked takes the next few to be looked at.
func (s *survey) dueLocked(now instant) bool {
	s.p.c.setLocked(s, now+s.p.ttl)
	if s.some != nil {
		return false
	}
	if s.anew || len(s.left) == 0 {
		s.left, s.anew = s.p.heldLocked(), false
	}
	n := min(len(s.left), maxSurveyed)
	s.some, s.left = s.left[:n:n], s.left[n:]
	if n == 0 {
		s.some, s.hurry = nil, false
		return false
	}
	return true
}

// heldLocked are the names of the locks that are held by the presence alone.
func (p *presence) heldLocked() (names []string) {
	for name, l := range p.c.locks {
		for ; l != nil; l = l.next {
			if l.ttl == 0 && l.presence.Load() == p {
				names = append(names, name)
				break
			}
		}
	}
	return names
}

// carry looks at a few.
func (s *survey) carry() {
	c := s.p.c
	r := c.request(schema.VerbInspect, &schema.Inspect{Names: s.some, Client: c.name})
	r.stop = s.p.over
	r.until = c.now() + c.options.Timeout
	a, err := c.ask(context.Background(), &r)

	c.mu.Lock()
	defer c.mu.Unlock()
	some := s.some
	s.some = nil
	switch {
	case s.p.cause != nil:
		return
	case err != nil && !errors.Is(err, ErrDenied):
		s.left = append(some, s.left...)
		c.setLocked(s, c.now()+backoff(s.failures))
		s.failures++
		return
	case err != nil || !a.Status.OK() || len(a.Locks) != len(some):
		a.Reply = &schema.Reply{Locks: make([]schema.LockState, len(some))} // each must ask for itself
	}
	s.failures = 0
	for i, name := range some {
		s.doubtLocked(name, a.Locks[i].Holders)
	}
	if s.hurry = s.anew || s.hurry && len(s.left) > 0; s.hurry {
		c.setLocked(s, c.now())
	}
}

// doubtLocked has the locks of a name ask whether they are held that are not among
// those that are seen to hold it.
func (s *survey) doubtLocked(name string, holders []schema.Holder) {
	for l := s.p.c.locks[name]; l != nil; l = l.next {
		if !slices.ContainsFunc(holders, func(h schema.Holder) bool { return h.Token == l.token }) {
			l.askLocked()
		}
	}
}
