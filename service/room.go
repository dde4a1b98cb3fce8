package service

import (
	"container/list"
	"fmt"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/presence"
)

// maxSessions bounds the presences of all clients: those that are open, and those
// that have ended and are remembered.
const maxSessions = 250_000

// maxLeft bounds the leaves that are remembered to have left. They are forgotten
// early then, the oldest first: none is ever refused to leave.
const maxLeft = 100_000

// forgetSoon is forgetAfter for leaves while many leave: the store, too, is to keep
// no more of them than need be. It is longer than any request is under way.
const forgetSoon = 10 * time.Second

// room is who takes how much room in the table of sessions. Guarded by the mutex of
// sessions.
type room struct {
	max, maxOfClient, maxLeft int

	presences int
	ofClient  map[string]int
	left      *list.List // of *session: leaves that have left, the oldest first
}

func newRoom(maxOfClient int) room {
	return room{
		max: maxSessions, maxOfClient: maxOfClient, maxLeft: maxLeft,
		ofClient: map[string]int{}, left: list.New(),
	}
}

// taken is the room that one session takes.
type taken struct {
	presence bool
	client   string        // of a presence: whose it is
	left     *list.Element // of a leaf that has left
}

// openLocked takes room for a presence that is about to be opened, or says why
// there is none. One that has ended, and is remembered, has it already.
func (t *sessions) openLocked(s *session, client string) (refused *schema.Reply) {
	r := &t.room
	switch held := s.taken.presence; {
	case r.ofClient[client] >= r.maxOfClient && (!held || s.taken.client != client):
		return refusal{schema.StatusLimit, fmt.Sprintf(
			"session: %d of this client are open, or ended in the last minute; one presence P is enough for any number of leaves P/L", r.maxOfClient)}.reply()
	case r.presences >= r.max && !held:
		return refusal{schema.StatusLimit, fmt.Sprintf("session: %d are open, or ended in the last minute; try again in a moment", r.max)}.reply()
	}
	t.lodgeLocked(s, client)
	return nil
}

// lodgeLocked counts a presence as one of a client.
func (t *sessions) lodgeLocked(s *session, client string) {
	if s.taken.presence && s.taken.client == client {
		return
	}
	t.giveBackLocked(s)
	s.taken = taken{presence: true, client: client}
	t.room.presences++
	t.room.ofClient[client]++
}

// giveBackLocked counts a session no more.
func (t *sessions) giveBackLocked(s *session) {
	r := &t.room
	if s.taken.left != nil {
		r.left.Remove(s.taken.left)
	}
	if s.taken.presence {
		r.presences--
		if r.ofClient[s.taken.client]--; r.ofClient[s.taken.client] == 0 {
			delete(r.ofClient, s.taken.client)
		}
	}
	s.taken = taken{}
}

// countLocked counts a session by how it stands.
func (t *sessions) countLocked(s *session) {
	_, leaf := schema.SplitSession(s.id)
	switch {
	case s.record.State == presence.Unknown:
		t.giveBackLocked(s)
	case leaf == "":
		t.lodgeLocked(s, s.record.Client)
	case s.taken.left != nil:
		t.room.left.MoveToBack(s.taken.left)
	default:
		s.taken.left = t.room.left.PushBack(s)
		for t.room.left.Len() > t.room.maxLeft {
			t.forgetLeftLocked(t.room.left.Front().Value.(*session))
		}
	}
}

// forgetLeftLocked forgets early that a leaf has left, unless it is at work: then
// it is forgotten in its time.
func (t *sessions) forgetLeftLocked(s *session) {
	t.giveBackLocked(s)
	if !s.busy && len(s.queue) == 0 && len(s.locks) == 0 {
		s.record, s.revision = presence.Record{}, 0
		t.forgetLocked(s)
	}
}

// remembers is for how long a session that has ended is stored.
func (t *sessions) remembers(s *session) time.Duration {
	_, leaf := schema.SplitSession(s.id)
	t.mu.Lock()
	defer t.mu.Unlock()
	if leaf != "" && t.room.left.Len() >= t.room.maxLeft/2 {
		return forgetSoon
	}
	return forgetAfter
}
