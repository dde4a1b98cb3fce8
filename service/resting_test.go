package service

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"weak"

	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/service/lock"
	"github.com/natslock/natslock/service/presence"
)

// tableWalk goes at random through what happens to the table of sessions.
type tableWalk struct {
	*testing.T
	rand     *rand.Rand
	table    *sessions
	actors   []*actor
	busy     []*session
	revision uint64
	last     string // what was done
}

func newTableWalk(t *testing.T, seed uint64) *tableWalk {
	w := &tableWalk{
		T: t, rand: rand.New(rand.NewPCG(seed, 0)),
		table: newSessions(&Worker{config: Config{ClientSessions: 100}}, bustest.NewMemory()),
	}
	w.table.resting.most, w.table.room.maxLeft = 5, 3
	for i := range 6 {
		w.actors = append(w.actors, &actor{key: fmt.Sprintf("r.%d", i)})
	}
	return w
}

// Whatever happens, a session is known as long as anything would be lost if it were not; of
// others only leaves are, those that rest; and all agree on who is whose.
func TestSessionsAreKnownAsLongAsTheyMatter(t *testing.T) {
	for seed := range uint64(20) {
		w := newTableWalk(t, seed)
		for range 600 {
			w.step()
			if w.check(); t.Failed() {
				t.Fatalf("seed %d, after %s", seed, w.last)
			}
		}
	}
}

// A leaf that rests takes little, however many locks have named it at the same time.
func TestALeafRestsWithoutRoomForManyLocks(t *testing.T) {
	w := newTableWalk(t, 0)
	w.table.adoptLocked(w.table.getLocked("P"), w.record(presence.Open), 1)
	name := func(a *actor, ids ...string) {
		a.record = naming(ids...)
		w.table.name(a)
	}
	actors := make([]actor, fewLocks+1)
	for i := range actors {
		actors[i].key = fmt.Sprintf("r.%d", i)
		name(&actors[i], "P/many", "P/few")
		if i > 0 {
			name(&actors[i], "P/many")
		}
	}
	for i := range actors {
		name(&actors[i])
	}
	for id, room := range map[string]bool{"P/many": false, "P/few": true} {
		if s := w.table.known[id]; s == nil || !s.rests || (s.locks != nil) != room {
			t.Errorf("%s does not rest, or not as small as all: %+v", id, s)
		}
	}
	name(&actors[0], "P/many")
	if s := w.table.known["P/many"]; len(s.locks) != 1 {
		t.Errorf("named again by %d", len(s.locks))
	}
}

// A presence that is over takes nothing, though some of its leaves are still to be seen
// where they have rested.
func TestAPresenceDoesNotRestWithItsLeaves(t *testing.T) {
	w := newTableWalk(t, 0)
	over := weak.Make(w.rest("P/leaf"))
	runtime.GC()
	if over.Value() != nil {
		t.Error("the presence is kept")
	}
	if n := len(w.table.resting.ring); n != 1 {
		t.Errorf("%d have rested", n)
	}
	runtime.KeepAlive(w)
}

// rest has a leaf rest, and its presence be over then, which it returns.
func (w *tableWalk) rest(leaf string) (over *session) {
	s := w.table.getLocked(leaf)
	over = s.of
	over.busy = true
	w.table.forgetLocked(s)
	over.busy = false
	w.table.forgetLocked(over)
	if len(w.table.known) > 0 {
		w.Errorf("known are %v", w.table.known)
	}
	return over
}

func naming(ids ...string) (r lock.Record) {
	for _, id := range ids {
		r.Waiters = append(r.Waiters, lock.Waiter{Session: lock.Session{ID: id}})
	}
	return r
}

func (w *tableWalk) record(state presence.State) presence.Record {
	return presence.Record{State: state, Epoch: 1, TTL: 1000, Client: "c"}
}

// id is that of a presence or of a leaf.
func (w *tableWalk) id() string {
	p := fmt.Sprintf("P%d", w.rand.IntN(3))
	if w.rand.IntN(4) == 0 {
		return p
	}
	return fmt.Sprintf("%s/%d", p, w.rand.IntN(20))
}

func (w *tableWalk) step() {
	switch w.rand.IntN(8) {
	case 0, 1, 2:
		a := w.actors[w.rand.IntN(len(w.actors))]
		ids := make([]string, max(0, w.rand.IntN(13)-6))
		for i := range ids {
			ids[i] = w.id()
		}
		w.last = fmt.Sprintf("%s named %v", a.key, ids)
		a.record = naming(ids...)
		w.table.name(a)
	case 3:
		s := w.table.getLocked(w.id())
		w.last = "a visit of " + s.id
		if !s.busy {
			s.busy, w.busy = true, append(w.busy, s)
		}
	case 4, 5:
		w.leave()
	case 6:
		w.expire()
	case 7:
		s := w.table.getLocked(w.id())
		w.last = "news of " + s.id
		w.adopt(s)
		w.table.forgetLocked(s)
	}
}

// leave ends a visit.
func (w *tableWalk) leave() {
	if len(w.busy) == 0 {
		return
	}
	i := w.rand.IntN(len(w.busy))
	s := w.busy[i]
	w.busy = slices.Delete(w.busy, i, i+1)
	w.last = "the end of a visit of " + s.id
	if w.rand.IntN(3) > 0 {
		w.adopt(s)
	}
	s.busy = false
	w.table.countLocked(s)
	w.table.forgetLocked(s)
}

// adopt takes in a record, or that there is none any more.
func (w *tableWalk) adopt(s *session) {
	w.revision++
	states := []presence.State{presence.Open, presence.Open, presence.Left, presence.Silent}
	switch {
	case w.rand.IntN(4) == 0:
		w.table.adoptLocked(s, presence.Record{}, 0)
	case s.of != nil:
		w.table.adoptLocked(s, w.record(presence.Left), w.revision)
	default:
		w.table.adoptLocked(s, w.record(states[w.rand.IntN(len(states))]), w.revision)
	}
}

// expire forgets that a session has ended, as its timer does.
func (w *tableWalk) expire() {
	ids := slices.Sorted(maps.Keys(w.table.known))
	for _, id := range ids {
		s := w.table.known[id]
		if s.busy || !s.record.State.Ended() || w.rand.IntN(3) > 0 {
			continue
		}
		w.last = "the end of the memory of " + id
		s.record, s.revision = presence.Record{}, 0
		w.table.countLocked(s)
		w.table.forgetLocked(s)
		return
	}
}

func (w *tableWalk) check() {
	w.Helper()
	named := map[string]int{}
	for _, a := range w.actors {
		for _, id := range a.sessions {
			named[id]++
		}
	}
	for id, n := range named {
		if s := w.table.known[id]; s == nil || len(s.locks) != n {
			w.Errorf("%s is not known to be named by %d", id, n)
		}
	}
	for _, s := range w.busy {
		if w.table.known[s.id] != s {
			w.Errorf("%s is at work and not known", s.id)
		}
	}
	left, presences := 0, 0
	for id, s := range w.table.known {
		w.checkOne(id, s, named[id])
		if s.taken.left != nil {
			left++
		}
		if s.taken.presence {
			presences++
		}
	}
	if r := &w.table.room; left != r.left.Len() || presences != r.presences || len(w.table.resting.ring) > w.table.resting.most {
		w.Errorf("%d leaves of %d have left, %d presences of %d; %d rest", left, r.left.Len(), presences, r.presences, len(w.table.resting.ring))
	}
}

// checkOne checks a session that is known by an id and named by so many locks.
func (w *tableWalk) checkOne(id string, s *session, named int) {
	w.Helper()
	rests := slices.Contains(w.table.resting.ring, s)
	switch {
	case s.id != id, s.rests != rests, len(s.locks) != named:
		w.Errorf("%s is known as %s, rests %v, in the ring %v, named by %d of %d", s.id, id, s.rests, rests, len(s.locks), named)
	case !s.keeps() && !rests:
		w.Errorf("%s is known for nothing", id)
	case s.of != nil && (w.table.known[s.of.id] != s.of || s.of.leaves[id] != s):
		w.Errorf("%s is not known to its presence, or that is not known", id)
	}
	for of, leaf := range s.leaves {
		if w.table.known[of] != leaf || leaf.of != s {
			w.Errorf("%s has the leaf %s, which is not known", id, of)
		}
	}
}
