package service

import (
	"time"

	"github.com/natslock/natslock/service/presence"
)

// Most of what a worker with many sessions does is keepalives, and one that travels
// by itself wakes everybody on its way: the server, the store, whoever takes its
// acknowledgements, the server again. Those that come soon after each other wake
// them once.
const (
	// convoyWait is how long the first of a convoy waits for others. A keepalive is
	// sent every few seconds, and nobody waits for its answer. Twice as long as a sender
	// of many sessions sleeps between keepalives is worth a tenth of what they cost.
	convoyWait = 20 * time.Millisecond

	// convoyMost is how many go without waiting any longer: more would save little, and
	// keep others from the connection.
	convoyMost = 64

	// convoyShare is the share of its TTL that a session must have left to wait for
	// others. It is at least five times convoyWait.
	convoyShare = 10
)

// convoy is sessions whose notices wait to be decided soon after each other, each by a visit
// of its own.
type convoy struct {
	members  []*session
	departed bool
}

// mayWaitLocked reports whether a notice for s may wait for a convoy: it is a
// keepalive that changes nothing but how long s has, and s has time enough.
func (t *sessions) mayWaitLocked(s *session, n *notice) bool {
	c, ok := n.command.(presence.Keepalive)
	if !ok || s.busy || s.cut > 0 || !c.Routine(s.record) {
		return false
	}
	return t.leftLocked(s) >= s.record.TTL/convoyShare
}

// joinLocked has s wait for the others of a convoy. It returns one that is to depart
// now, because it is full.
func (t *sessions) joinLocked(s *session) (full *convoy) {
	c := t.convoy
	if c == nil {
		c = &convoy{}
		t.convoy = c
		t.w.flights.begin()
		t.w.later(convoyWait, func() { t.depart(c) })
	}
	c.members = append(c.members, s)
	if len(c.members) < convoyMost {
		return nil
	}
	return c
}

// depart begins the visits of a convoy, unless they have begun.
func (t *sessions) depart(c *convoy) {
	t.mu.Lock()
	if c.departed {
		t.mu.Unlock()
		return
	}
	c.departed = true
	t.convoy = nil
	t.mu.Unlock()
	for _, s := range c.members {
		t.advance(s)
	}
	t.w.flights.end()
}
