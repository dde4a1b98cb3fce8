package service

import (
	"container/heap"
	"slices"
	"strings"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
	"github.com/natslock/natslock/service/presence"
)

// listSessions handles the verb list for sessions: from what this worker has
// seen. Whose locks a realm's caller may see, the sessions of those it may; idle
// ones are nobody's business but their client's, who has to be named by the subject.
func (w *Worker) listSessions(r request, m *schema.List, after string) {
	limit := schema.DefaultListLimit
	if m.Limit != nil {
		limit = int(*m.Limit)
	}
	w.read(func() {
		list, more := w.sessions.visible(r, m, after, limit)
		reply := &schema.Reply{Status: schema.StatusOK, Sessions: make([]schema.SessionState, 0, len(list))}
		size := replyReserve
		for i := range list {
			s := &list[i].state
			if size += sessionSize(r.caller.encoding, s); size > schema.MaxReply {
				more = true
				break
			}
			w.countParts(s, list[i].keys)
			reply.Sessions = append(reply.Sessions, *s)
		}
		if more {
			reply.Cursor = encodeCursor(cursorOfSessions, reply.Sessions[len(reply.Sessions)-1].Session)
		}
		w.reply(r.caller, reply)
	})
}

// sessionSize is how many bytes of a reply a session takes, at most.
func sessionSize(e schema.Encoding, s *schema.SessionState) int {
	full := *s
	full.Holds, full.Waiters = 1<<40, 1<<40
	return len(schema.Append(nil, e, &schema.Reply{Sessions: []schema.SessionState{full}}))
}

// visible is a presence that a caller may see, and the locks that name it.
type visible struct {
	state schema.SessionState
	keys  []string
}

// visible lists, in order, the first open presences behind after that a caller
// may see and asks for. Keepalives wait meanwhile: it looks at all sessions, but
// at little of each.
func (t *sessions) visible(r request, m *schema.List, after string, limit int) (list []visible, more bool) {
	realm := schema.EscapeToken(r.realm) + "."
	t.mu.Lock()
	defer t.mu.Unlock()
	var first nameHeap
	for id, s := range t.known {
		full := len(first) > limit
		switch {
		case s.record.State != presence.Open, id <= after, full && id >= first[0],
			m.Session != "" && id != m.Session,
			m.Holder != "" && s.record.Client != m.Holder,
			!(r.named && s.record.Client == r.client) && !s.isIn(realm):
			continue
		}
		heap.Push(&first, id)
		if full {
			heap.Pop(&first)
		}
	}
	slices.Sort(first)
	if more = len(first) > limit; more {
		first = first[:limit]
	}
	for _, id := range first {
		s := t.known[id]
		left := t.leftLocked(s)
		v := visible{keys: s.keysIn(realm), state: schema.SessionState{
			Session: id, Client: s.record.Client, TTL: s.record.TTL, Grace: s.record.Grace, ExpiresIn: &left,
		}}
		if s.record.Opened != 0 {
			v.state.OpenedAt = time.UnixMilli(s.record.Opened).UTC()
		}
		list = append(list, v)
	}
	return list, more
}

// isIn reports whether a lock whose key begins with prefix names the session or a
// leaf of it.
func (s *session) isIn(prefix string) bool {
	for key := range s.locks {
		if strings.HasPrefix(key, prefix) {
			return true
		}
	}
	for _, leaf := range s.leaves {
		if leaf.isIn(prefix) {
			return true
		}
	}
	return false
}

// keysIn lists the locks that name the session or a leaf of it and whose keys
// begin with prefix.
func (s *session) keysIn(prefix string) (keys []string) {
	add := func(locks map[string]struct{}) {
		for key := range locks {
			if strings.HasPrefix(key, prefix) {
				keys = append(keys, key)
			}
		}
	}
	add(s.locks)
	for _, leaf := range s.leaves {
		add(leaf.locks)
	}
	return keys
}

// countParts counts the holds and waiters of a presence and its leaves in locks.
func (w *Worker) countParts(s *schema.SessionState, keys []string) {
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		w.replica.peek(key, func(a *actor) {
			for i := range a.record.Holds {
				if slices.ContainsFunc(a.record.Holds[i].Sessions, func(part lock.Session) bool { return isOf(part.ID, s.Session) }) {
					s.Holds++
				}
			}
			for i := range a.record.Waiters {
				if isOf(a.record.Waiters[i].Session.ID, s.Session) {
					s.Waiters++
				}
			}
			for i := range a.record.Sets {
				if isOf(a.record.Sets[i].Session.ID, s.Session) {
					s.Waiters++
				}
			}
		})
	}
}

// isOf reports whether a session is the presence or a leaf of it.
func isOf(session, id string) bool {
	of, _ := schema.SplitSession(session)
	return of == id
}
