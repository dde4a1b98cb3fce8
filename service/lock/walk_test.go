package lock

import (
	"fmt"
	"slices"
	"testing"

	"github.com/natslock/natslock/schema"
)

// small is a world so small that every state of it can be looked at: a few
// attempts, each always in the same words, and the sessions that may leave.
type small struct {
	name     string
	acquires []Acquire
	notes    []Set
	leaves   []Leave
	terms    []Terms
	repeats  uint8 // how often a granted attempt asks again
	states   int   // how many there are, so that a change of this is seen
}

func smallAcquire(n Attempt, owner string, mode schema.Mode, size int64, session string) Acquire {
	a := Acquire{
		Attempt: n, Client: "x", Owner: owner, Mode: mode, Size: size, TTL: 10, Wait: 10,
		Inbox: Inbox{Subject: "i"}, At: 1,
	}
	if session != "" {
		a.Session = Session{ID: session, Epoch: 1, TTL: 10, Grace: 1}
		a.TTL, a.DefaultTTL = 0, true
	}
	return a
}

func smallWorlds() []small {
	const exclusive, shared = schema.ModeExclusive, schema.ModeShared
	refused := smallAcquire(4, "d", exclusive, 0, "")
	refused.Wait = 0
	elsewhere := smallAcquire(1, "a", exclusive, 0, "p")
	elsewhere.Inbox.Subject = "j"
	several := smallAcquire(3, "c", exclusive, 0, "")
	note := Set{Waiter: several.waiter(), Names: []string{"l", "m"}}
	joins := smallAcquire(4, "a", shared, 0, "p/1")
	joins.Session.Change = 1
	several.Lead, several.Names, several.Waited, several.Wait = "l", note.Names, &note.Waiter, 0
	return []small{
		{
			name: "exclusive", repeats: 1, states: 3568,
			acquires: []Acquire{
				smallAcquire(1, "a", exclusive, 0, "p"),
				elsewhere,
				smallAcquire(2, "b", exclusive, 0, ""),
				smallAcquire(3, "c", exclusive, 0, "p/1"),
				refused,
			},
			leaves: []Leave{{"p", 0, schema.ReasonLeave}, {"p/1", 1, schema.ReasonSilence}, {"p", 2, schema.ReasonLeave}},
		},
		{
			name: "semaphore and exclusive", states: 3028,
			acquires: []Acquire{
				smallAcquire(1, "a", shared, 2, "p"),
				smallAcquire(2, "b", shared, 2, "q"),
				smallAcquire(3, "c", shared, 2, ""),
				smallAcquire(4, "d", exclusive, 0, ""),
			},
			leaves: []Leave{{"p", 0, schema.ReasonDisconnect}},
		},
		{
			name: "sizes", states: 1468,
			acquires: []Acquire{
				smallAcquire(1, "a", shared, 1, ""),
				smallAcquire(2, "b", shared, 2, ""),
				smallAcquire(3, "c", shared, 0, ""),
				smallAcquire(4, "d", exclusive, 0, ""),
			},
		},
		{
			name: "one owner", repeats: 1, states: 4780,
			acquires: []Acquire{
				smallAcquire(1, "a", exclusive, 0, "p/1"),
				smallAcquire(2, "a", exclusive, 0, "p/2"),
				smallAcquire(3, "a", shared, 0, ""),
				smallAcquire(4, "b", exclusive, 0, ""),
			},
			leaves: []Leave{{"p", 0, schema.ReasonLeave}, {"p/2", 0, schema.ReasonLeave}},
		},
		{
			name: "repeats", repeats: MaxRepeats, states: 4028,
			acquires: []Acquire{
				smallAcquire(1, "a", exclusive, 0, ""),
				refused,
			},
		},
		{
			name: "terms", states: 1360,
			acquires: []Acquire{
				smallAcquire(1, "a", shared, 0, "p/1"),
				smallAcquire(2, "b", exclusive, 0, "p"),
				joins,
			},
			leaves: []Leave{{"p/1", 0, schema.ReasonLeave}},
			terms:  []Terms{{"p", 1, 30, 2, 1, 4}, {"p", 1, 20, 1, 2, 5}, {"p", 2, 40, 4, 3, 6}},
		},
		{
			name: "several names", repeats: 1, states: 530,
			acquires: []Acquire{
				smallAcquire(1, "a", exclusive, 0, ""),
				smallAcquire(2, "b", shared, 0, "p"),
				several,
			},
			notes:  []Set{note},
			leaves: []Leave{{"p", 0, schema.ReasonLeave}},
		},
	}
}

// commands lists everything that can be said in r.
func (s small) commands(r Record) []Command {
	c := []Command{Force{Reason: "r"}, Promote{}, Touch{}}
	for _, a := range s.acquires {
		if s.mayAsk(r, a.Attempt) {
			c = append(c, a, Retell{a.Attempt, a.Inbox})
		}
		c = append(c, Cancel{Attempt: a.Attempt}, GiveUp{a.Attempt},
			Release{Client: a.Client, Owner: a.Owner})
		if a.Session.ID != "" {
			c = append(c, Release{Client: a.Client, Owner: a.Owner, Session: a.Session.ID})
		}
	}
	for _, n := range s.notes {
		c = append(c, Unnote{n.Attempt})
		if s.mayAsk(r, n.Attempt) {
			c = append(c, Note{n})
		}
	}
	for _, l := range s.leaves {
		c = append(c, l)
	}
	for _, one := range s.terms {
		c = append(c, one)
	}
	for _, h := range r.Holds {
		c = append(c, Release{Token: h.Token}, Force{Token: h.Token}, Renew{Token: h.Token},
			Expire{h.Token, h.Renewed}, Expire{h.Token, h.Renewed + 1})
		for n := range h.Repeats + 2 {
			c = append(c, Undo{h.Token, n})
		}
	}
	return c
}

// mayAsk reports whether an attempt has not been repeated so often yet that the
// world would grow without showing anything new.
func (s small) mayAsk(r Record, a Attempt) bool {
	place, i := r.find(a)
	return place != InHold || r.Holds[i].Repeats != s.repeats
}

// canonical is r with the smallest numbers that keep its order, and with one
// end for all that is over: states that differ in nothing else are the same.
func canonical(r Record) Record {
	r = r.Seal(1 << 30)
	var arrivals []uint64
	for _, w := range r.Waiters {
		arrivals = append(arrivals, w.Arrival)
	}
	for _, h := range r.Holds {
		if h.Waited != nil {
			arrivals = append(arrivals, h.Waited.Arrival)
		}
	}
	slices.Sort(arrivals)
	place := func(a uint64) uint64 { return uint64(slices.Index(arrivals, a) + 1) }
	r.Arrived = uint64(len(arrivals))
	r.Waiters = slices.Clone(r.Waiters)
	for i := range r.Waiters {
		r.Waiters[i].Arrival = place(r.Waiters[i].Arrival)
	}
	r.Holds = slices.Clone(r.Holds)
	for i := range r.Holds {
		h := &r.Holds[i]
		h.Token, h.Renewed = Token(MaxGrants+i), 1
		if h.Waited != nil {
			w := *h.Waited
			w.Arrival = place(w.Arrival)
			h.Waited = &w
		}
	}
	var ended []Attempt
	for e := range r.Ended.All() {
		ended = append(ended, e.Attempt)
	}
	slices.Sort(ended)
	r.Ended = Ends("").With(EndHold, ended...)
	return r
}

// TestEveryStateOfSmallWorlds walks through all states that commands can lead
// to, and checks every invariant of one step at each of them.
func TestEveryStateOfSmallWorlds(t *testing.T) {
	for _, s := range smallWorlds() {
		t.Run(s.name, func(t *testing.T) {
			if states := s.walk(t); states != s.states {
				t.Errorf("%d states, not %d", states, s.states)
			}
		})
	}
}

func (s small) walk(t *testing.T) (states int) {
	start := Record{}
	seen := map[string]bool{string(start.Append(nil)): true}
	for next := []Record{start}; len(next) > 0; {
		r := next[0]
		next = next[1:]
		states++
		for _, c := range s.commands(r) {
			w := &world{t: t, r: r, revision: 1 << 20}
			if _, _, err := w.fold([]Command{c}); err != nil {
				t.Fatal(err)
			}
			after := canonical(w.r)
			if key := string(after.Append(nil)); !seen[key] {
				seen[key] = true
				next = append(next, after)
			}
		}
		if err := s.drains(r); err != nil {
			t.Fatal(err)
		}
	}
	return states
}

// drains reports whether r gets free by itself: every wait is over one day, and
// then every hold expires or loses its sessions.
func (s small) drains(r Record) error {
	f := NewFold(r)
	for _, a := range s.acquires {
		f.Apply(GiveUp{a.Attempt})
	}
	for _, h := range r.Holds {
		f.Apply(Expire{h.Token, h.Renewed})
	}
	if !f.Record().Free() {
		return fmt.Errorf("not free in the end: %+v", r)
	}
	return nil
}
