package service

import (
	"sync"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
	"github.com/natslock/natslock/service/presence"
)

// maxNotices bounds what waits for one session's turn to be written.
const maxNotices = 256

// sessions is what this worker knows of all sessions: a replica of their
// bucket, and beside it which lock names which session. Its mutex is taken
// under that of a shard, never the other way round.
type sessions struct {
	*keeper // of the sessions
	w       *Worker

	mu      sync.Mutex
	known   map[string]*session
	resting resting
	byConn  map[connection]map[*session]struct{}
	closed  closings
	room    room
	convoy  *convoy // keepalives that wait for each other; nil if there are none
}

func newSessions(w *Worker, store bus.Store) *sessions {
	t := &sessions{
		w: w, known: map[string]*session{}, byConn: map[connection]map[*session]struct{}{},
		room: newRoom(w.config.ClientSessions), resting: resting{most: maxResting},
	}
	t.keeper = newKeeper(store, "sessions", sessionPace, w.log, t.expire)
	return t
}

// open counts the presences that are open.
func (t *sessions) open() (n int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.known {
		if s.record.State == presence.Open {
			n++
		}
	}
	return n
}

// getLocked returns a session, a new one if it is not known.
func (t *sessions) getLocked(id string) *session {
	if s := t.known[id]; s != nil {
		return s
	}
	s := &session{id: id, key: presence.Key(id)}
	t.known[id] = s
	if p, leaf := schema.SplitSession(id); leaf != "" {
		s.of = t.getLocked(p)
		if s.of.leaves == nil {
			s.of.leaves = map[string]*session{}
		}
		s.of.leaves[id] = s
	}
	return s
}

// forgetLocked drops a session of which nothing would be lost, and its presence
// with the last leaf. A leaf of a presence that stays rests first.
func (t *sessions) forgetLocked(s *session) {
	switch {
	case s.keeps() || t.known[s.id] != s:
	case s.of == nil:
		t.dropLocked(s)
	case s.of.keeps():
		t.restLocked(s)
	default:
		t.dropLocked(s.of)
	}
}

// dropLocked drops a session, and its leaves.
func (t *sessions) dropLocked(s *session) {
	delete(t.known, s.id)
	t.timers.Drop(s)
	t.giveBackLocked(s)
	for _, leaf := range s.leaves {
		t.dropLocked(leaf)
	}
	if s.of != nil {
		delete(s.of.leaves, s.id)
		s.of = nil // which may be large, and is not to stay where a leaf of it rested
	}
}

// ended is a session that has ended, and the locks that may name it.
type ended struct {
	leave lock.Leave
	keys  []string
}

// adoptLocked takes in how a session stands in the store at revision. What ends
// with that is for part, when the mutex is free.
func (t *sessions) adoptLocked(s *session, record presence.Record, revision uint64) (end ended) {
	before := s.record
	if revision == 0 && before.State == presence.Open && s.named() {
		record = before // the bucket was lost: what locks name lives on
	}
	t.disconnectLocked(s)
	s.adopt(record, revision, t.clock.Now())
	t.connectLocked(s)
	t.timers.Set(s, s.deadline(0))
	t.countLocked(s)
	switch {
	case record.State.Ended():
		end = t.endedLocked(s, record.Epoch, record.State.Reason())
	case before.State == presence.Open && before.Epoch != record.Epoch:
		end = t.endedLocked(s, before.Epoch, schema.ReasonSilence)
	}
	return end
}

// endedLocked lists the locks that may name an opening of s that has ended.
func (t *sessions) endedLocked(s *session, epoch uint64, reason schema.Reason) ended {
	e := ended{leave: lock.Leave{Session: s.id, Epoch: epoch, Reason: reason}}
	for key := range s.locks {
		e.keys = append(e.keys, key)
	}
	for _, leaf := range s.leaves {
		for key := range leaf.locks {
			e.keys = append(e.keys, key)
		}
	}
	return e
}

// seen takes in what the watch of the bucket brings.
func (t *sessions) seen(e bus.Entry) {
	id, ok := presence.ParseKey(e.Key)
	if !ok {
		t.log.Warn("not a session's key", "key", e.Key)
		return
	}
	t.mu.Lock()
	s := t.getLocked(id)
	var end ended
	switch {
	case s.busy:
		if e.Revision > s.newer.Revision {
			s.newer = e
		}
	case e.Revision > s.revision:
		end = t.takeLocked(s, e)
	}
	t.mu.Unlock()
	t.part(end, nil)
}

// takeLocked is adoptLocked for an entry. A record that cannot be read is left alone.
func (t *sessions) takeLocked(s *session, e bus.Entry) (end ended) {
	record, err := presence.Decode(e.Value, e.Revision)
	if err != nil {
		t.log.Error("unreadable session", "key", e.Key, "revision", e.Revision, "err", err)
		return end
	}
	return t.adoptLocked(s, record, e.Revision)
}

// part ends a session's part in its locks, and then tells how many holds ended.
func (t *sessions) part(e ended, told func(count int64)) {
	if len(e.keys) == 0 && told == nil {
		return
	}
	count := newTally(len(e.keys), told)
	for _, key := range e.keys {
		t.w.submit(key, &job{
			command: e.leave, inner: true,
			caller: caller{report: func(r *schema.Reply) {
				if r.Count != nil {
					count.add(*r.Count)
				}
			}},
			ended: count.done,
		})
	}
}

// tally counts what comes from several locks.
type tally struct {
	mu    sync.Mutex
	left  int
	count int64
	told  func(int64)
}

// newTally tells at once when there is nothing to wait for.
func newTally(n int, told func(int64)) *tally {
	if n == 0 && told != nil {
		told(0)
	}
	return &tally{left: n, told: told}
}

func (t *tally) add(n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count += n
}

func (t *tally) done() {
	t.mu.Lock()
	t.left--
	last := t.left == 0
	t.mu.Unlock()
	if last && t.told != nil {
		t.told(t.count)
	}
}

// expire ends or forgets a session, if it is over.
func (t *sessions) expire(due timed, now time.Duration) {
	s := due.(*session)
	t.mu.Lock()
	next := s.deadline(t.clock.Resumed())
	over := next > 0 && next <= now
	switch {
	case !over:
		t.timers.Set(s, next)
	case s.record.State.Ended() && !s.busy:
		// The store has dropped it by now, or will; should it still be there, a
		// write that expects nothing conflicts and reads it.
		t.disconnectLocked(s)
		s.record, s.revision = presence.Record{}, 0
		t.countLocked(s)
		t.forgetLocked(s)
		over = false
	default:
		t.timers.Set(s, now+retryDue)
	}
	end := over && !s.expiring && s.record.State == presence.Open
	s.expiring = s.expiring || end
	state, revision := s.silent(now), s.revision
	t.mu.Unlock()
	if !end {
		<-t.due
		return
	}
	t.submit(s.id, &notice{command: presence.Expire{State: state}, timed: revision, told: func(presence.Record, schema.Reply) {
		t.mu.Lock()
		s.expiring = false
		t.mu.Unlock()
		t.rung()
	}})
}
