package service

import (
	"container/heap"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// replyReserve is what a reply takes besides its locks, at most.
const replyReserve = 1 << 10

var errCursor = errors.New("no cursor")

// list handles the verb list: from what this worker has seen.
func (w *Worker) list(r request, m *schema.List) {
	kind := cursorOfLocks
	if m.Sessions {
		kind = cursorOfSessions
	}
	after, err := decodeCursor(kind, m.Cursor)
	if err != nil {
		w.reply(r.caller, refusal{schema.StatusInvalid, "cursor: not one that a list has given"}.reply())
		return
	}
	if m.Sessions {
		w.listSessions(r, m, after)
		return
	}
	limit := schema.DefaultListLimit
	if m.Limit != nil {
		limit = int(*m.Limit)
	}
	w.read(func() {
		// One more than asked for shows whether there is more.
		names := w.firstNames(r.realm, limit+1, func(a *actor) bool {
			return a.name > after && strings.HasPrefix(a.name, m.Prefix) && held(&a.record, m.Holder, m.Session)
		})
		reply := &schema.Reply{Status: schema.StatusOK, Locks: make([]schema.LockState, 0, min(limit, len(names)))}
		if len(names) > limit {
			names = names[:limit]
			reply.Cursor = encodeCursor(cursorOfLocks, names[limit-1])
		}
		size := replyReserve
		for _, name := range names {
			state, ok := w.known(r.realm, name)
			if !ok {
				continue // it came free meanwhile
			}
			one := stateSize(r.caller.encoding, &state)
			if one > schema.MaxReply-replyReserve { // no reply can hold it: only its name and size
				state.Holders, state.Waiters = nil, nil
				one = stateSize(r.caller.encoding, &state)
			}
			if size += one; size > schema.MaxReply {
				reply.Cursor = encodeCursor(cursorOfLocks, reply.Locks[len(reply.Locks)-1].Name)
				break
			}
			reply.Locks = append(reply.Locks, state)
		}
		w.reply(r.caller, reply)
	})
}

// stateSize is how many bytes of a reply a lock takes.
func stateSize(e schema.Encoding, state *schema.LockState) int {
	return len(schema.Append(nil, e, &schema.Reply{Locks: []schema.LockState{*state}}))
}

// known is the state of a lock as this worker has seen it; ok if it is held.
func (w *Worker) known(realm, name string) (state schema.LockState, ok bool) {
	w.replica.peek(schema.LockKey(realm, name), func(a *actor) {
		if ok = len(a.record.Holds) > 0; ok {
			state = a.record.State()
			state.Name = name
			w.expiries(a, state.Holders)
		}
	})
	return state, ok
}

// held reports whether r is held, by a client or session if these are given.
func held(r *lock.Record, client, session string) bool {
	return slices.ContainsFunc(r.Holds, func(h lock.Hold) bool {
		return (client == "" || h.Client == client) &&
			(session == "" || slices.ContainsFunc(h.Sessions, func(s lock.Session) bool { return s.ID == session }))
	})
}

// firstNames returns, in order, the first n names of a realm's locks that
// match. It looks at every lock: that costs nothing while nobody lists.
func (w *Worker) firstNames(realm string, n int, match func(*actor) bool) []string {
	var found nameHeap
	w.replica.each(func(a *actor) {
		if a.realm != realm || len(found) == n && a.name >= found[0] || !match(a) {
			return
		}
		heap.Push(&found, a.name)
		if len(found) > n {
			heap.Pop(&found)
		}
	})
	slices.Sort(found)
	return found
}

// nameHeap implements heap.Interface with the largest name first.
type nameHeap []string

func (h nameHeap) Len() int           { return len(h) }
func (h nameHeap) Less(i, j int) bool { return h[i] > h[j] }
func (h nameHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *nameHeap) Push(x any)        { *h = append(*h, x.(string)) }
func (h *nameHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}

// A cursor is the last of what was listed, behind a byte that says what that was.
const (
	cursorOfLocks    = "n"
	cursorOfSessions = "s"
)

func encodeCursor(kind, last string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + last))
}

// decodeCursor returns what was listed last, or "" for no cursor. Only what
// encodeCursor has made of the kind is a cursor: whoever sends another would get a
// part of the list and take it for the whole.
func decodeCursor(kind, cursor string) (last string, err error) {
	if cursor == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	last, ok := strings.CutPrefix(string(b), kind)
	if err != nil || !ok || last == "" || len(last) > schema.MaxName || !utf8.ValidString(last) || encodeCursor(kind, last) != cursor {
		return "", errCursor
	}
	return last, nil
}
