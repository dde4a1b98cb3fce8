package service

import (
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/presence"
)

// session is what this worker knows of a presence, or of a leaf. A leaf is
// stored only when it has left; before that it is here because locks name it.
// Guarded by the mutex of sessions.
type session struct {
	id  string
	key string

	record   presence.Record
	revision uint64        // of record; 0: the store does not have it, it is unknown or rebuilt from the locks that name it
	since    time.Duration // when this worker first saw the revision
	cut      time.Duration // when its connection was seen closed; 0: it was not, or it has been heard of since

	locks  map[string]struct{} // keys of the locks that name this very session
	leaves map[string]*session // of a presence: its leaves that are known here
	of     *session            // of a leaf that is known: its presence
	rests  bool                // of a leaf: see resting
	many   bool                // locks has grown, and stays as large when it is emptied

	queue []*notice
	busy  bool      // a visit is on its way
	newer bus.Entry // what the watch brought while busy

	taken    taken
	timer    timer
	expiring bool // its end is on its way
	terms    spreading
}

func (s *session) place() *timer { return &s.timer }

// notice is a command on its way into a session's record.
type notice struct {
	command presence.Command // nil: how the session stands is all that is asked
	timed   uint64           // of an Expire: the revision that was timed
	asked   time.Time        // zero: the worker's own, which nobody waits for
	leaves  bool             // a leave: it is not refused for want of room
	told    func(record presence.Record, reply schema.Reply)
	refused func(refusal)
}

// rank orders the notices of one visit.
func (n *notice) rank() int {
	if _, ok := n.command.(presence.Expire); ok {
		return 1
	}
	return 0
}

// keeps reports whether anything would be lost if the session were forgotten.
func (s *session) keeps() bool {
	return s.busy || len(s.queue) > 0 || s.terms.busy || s.record.State != presence.Unknown || s.named()
}

// named reports whether a lock names the session, or a leaf of it is to be kept.
func (s *session) named() bool {
	if len(s.locks) > 0 {
		return true
	}
	for _, leaf := range s.leaves {
		if leaf.keeps() {
			return true
		}
	}
	return false
}

// adopt makes record, as it is at revision, what is known. now is an instant of
// the clock of the sessions.
func (s *session) adopt(record presence.Record, revision uint64, now time.Duration) {
	s.record, s.revision, s.since, s.cut = record, revision, now, 0
}

// deadline is the instant at which the session is over, or forgotten; 0 is
// never. resumed is when the clock last went on after a gap.
func (s *session) deadline(resumed time.Duration) time.Duration {
	switch {
	case s.record.State.Ended():
		return s.since + forgetAfter
	case s.record.State == presence.Unknown:
		return 0
	}
	ttl := time.Duration(s.record.TTL) * time.Millisecond
	at := s.since + ttl
	if resumed > 0 {
		at = max(at, resumed+ttl/3)
	}
	if s.cut > 0 { // a keepalive could not be heard before the gap was over
		at = min(at, max(s.cut, resumed)+time.Duration(s.record.Grace)*time.Millisecond)
	}
	return at
}

// silent is the state in which the session ends at now, when it is over.
func (s *session) silent(now time.Duration) presence.State {
	if s.cut > 0 && now >= s.cut+time.Duration(s.record.Grace)*time.Millisecond {
		return presence.Disconnected
	}
	return presence.Silent
}

// leftLocked is what is left of a session's time without another keepalive, in
// milliseconds.
func (t *sessions) leftLocked(s *session) int64 {
	return max((s.deadline(t.clock.Resumed()) - t.clock.Now()).Milliseconds(), 0)
}
