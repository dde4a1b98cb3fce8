package lock

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/natslock/natslock/schema"
	"pgregory.net/rapid"
)

// parts lists what a record knows of sessions, each with where it is.
func parts(r Record) map[string]Session {
	list := map[string]Session{}
	put := func(where string, s Session) {
		if s.ID != "" {
			list[fmt.Sprint(where, " ", s.ID, "@", s.Epoch)] = s
		}
	}
	for _, h := range r.Holds {
		who := fmt.Sprint("hold of ", h.Client, ":", h.Owner)
		for _, s := range h.Sessions {
			put(who, s)
		}
		if h.Waited != nil {
			put(who+" before", h.Waited.Session)
		}
	}
	for _, w := range r.Waiters {
		put(fmt.Sprint("waiter ", w.Attempt), w.Session)
	}
	for _, s := range r.Sets {
		put(fmt.Sprint("set ", s.Attempt), s.Session)
	}
	return list
}

// termless is r without what it knows of terms.
func termless(r Record) Record {
	none := func(s Session) Session {
		return Session{ID: s.ID, Client: s.Client, Epoch: s.Epoch}
	}
	r.Holds, r.Waiters, r.Sets = slices.Clone(r.Holds), slices.Clone(r.Waiters), slices.Clone(r.Sets)
	for i := range r.Holds {
		h := &r.Holds[i]
		h.Sessions = slices.Clone(h.Sessions)
		for k := range h.Sessions {
			h.Sessions[k] = none(h.Sessions[k])
		}
		if h.Waited != nil {
			w := *h.Waited
			w.Session = none(w.Session)
			h.Waited = &w
		}
	}
	for i := range r.Waiters {
		r.Waiters[i].Session = none(r.Waiters[i].Session)
	}
	for i := range r.Sets {
		r.Sets[i].Session = none(r.Sets[i].Session)
	}
	return r
}

// brokenTerms checks invariant 22 for one step.
func brokenTerms(before Record, c Command, after Record, o Outcome) error {
	was, is := parts(before), parts(after)
	for where, s := range is {
		old, known := was[where]
		if known && (s.Change < old.Change || s.Change == old.Change && (s.TTL < old.TTL || s.Grace < old.Grace)) {
			return fmt.Errorf("%s knew %+v, knows %+v by %T", where, old, s, c)
		}
	}
	terms, ok := c.(Terms)
	if !ok || before.Promotable() {
		return nil
	}
	if o.Reply == nil || o.Reply.Status != schema.StatusOK || len(o.Answers)+len(o.Events) > 0 {
		return fmt.Errorf("%+v says %+v", c, o)
	}
	if diff := cmp.Diff(termless(before), termless(after), unexported); diff != "" {
		return fmt.Errorf("%+v changes more:\n%s", c, diff)
	}
	for where, old := range was {
		id, _ := schema.SplitSession(old.ID)
		want := old
		if id == terms.Session && old.Epoch == terms.Epoch {
			if terms.Change > old.Change {
				want.TTL, want.Grace, want.Change, want.N = terms.TTL, terms.Grace, terms.Change, terms.N
			} else if terms.Change == old.Change {
				want.TTL, want.Grace = max(old.TTL, terms.TTL), max(old.Grace, terms.Grace)
			}
		}
		if is[where] != want || terms.News(old) != (want != old) {
			return fmt.Errorf("%s: %+v became %+v by %+v", where, old, is[where], c)
		}
	}
	return nil
}

// Invariant 22: workers that know different things say them in any order, and
// however often; all come to the same.
func TestTermsComeToTheSameInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		terms := make([]Terms, rapid.IntRange(2, 6).Draw(t, "terms"))
		for i := range terms {
			terms[i] = drawTerms(t)
		}
		said := func(order []Terms) Record {
			one := *w
			for _, c := range order {
				one.one(c)
			}
			r := one.r
			for _, c := range terms {
				if o := one.one(c); o.Changed {
					t.Fatalf("%+v changes again what all have said", c)
				}
			}
			return r
		}
		once := said(terms)
		again := rapid.Permutation(append(slices.Clone(terms), terms...)).Draw(t, "order")
		if diff := cmp.Diff(once, said(again), unexported); diff != "" {
			t.Fatalf("%+v\n%s", terms, diff)
		}
	})
}

// changedTerms is a record with terms that have changed, in all places.
func changedTerms() Record {
	r := openedBy("gw")
	for _, s := range []*Session{&r.Holds[0].Sessions[0], &r.Holds[0].Waited.Session, &r.Waiters[0].Session} {
		s.TTL, s.Change, s.N = 300, 2, 400
	}
	return r
}

// Invariant 14: what terms take counts.
func TestTermsHaveTheirWeight(t *testing.T) {
	r := changedTerms()
	one := Session{ID: strings.Repeat("p", schema.MaxSession), Client: "x", Epoch: maxRevision, TTL: schema.MaxSessionTTL, Grace: schema.MaxGrace}
	one.Change, one.N = schema.MaxToken, schema.MaxToken
	for len(r.Holds[0].Sessions) < 500 {
		r.Holds[0].Sessions = append(r.Holds[0].Sessions, one)
	}
	if n := len(r.Append(nil)); n > r.weight() {
		t.Errorf("%d bytes, weight %d", n, r.weight())
	}
}

// Stored records are read by later versions: these bytes must stay readable.
const termsGolden = "" +
	"020100000109017801610000000203702f3107ac020202900302677701" +
	"71050a0200000178000001010000000000000000000000010001" +
	"98000000010002000000000000000178016203702f3107ac0202029003026777" + "0000"

func TestTermsAreWrittenIfTheyHaveChanged(t *testing.T) {
	r := changedTerms()
	if got := hex.EncodeToString(r.Append(nil)); got != termsGolden {
		t.Errorf("got  %s\nwant %s", got, termsGolden)
	}
	value, err := hex.DecodeString(termsGolden)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decode(value, 9); err != nil || !reflect.DeepEqual(got, r.Seal(9)) {
		t.Errorf("%v\n%+v", err, got)
	}
	for n := range value {
		if _, err := Decode(value[:n], 9); !errors.Is(err, ErrDamaged) {
			t.Errorf("cut to %d: %v", n, err)
		}
	}
	for name, change := range map[string]func(*Record){
		"a session's":  func(r *Record) { r.Holds[0].Sessions[1].Change = 1 },
		"the n of one": func(r *Record) { r.Holds[0].Sessions[1].N = 1 },
		"a wait's":     func(r *Record) { r.Holds[0].Waited.Session.Change = 1 },
		"a waiter's":   func(r *Record) { r.Waiters[0].Session.Change = 1 },
		"a set's": func(r *Record) {
			r.Sets = []Set{{Waiter: r.Waiters[0], Names: []string{"l"}}}
			r.Sets[0].Attempt, r.Sets[0].Session.Change = 3, 1
		},
	} {
		r := openedBy("gw")
		change(&r)
		if got, err := Decode(r.Append(nil), 9); err != nil || !reflect.DeepEqual(got, r.Seal(9)) {
			t.Errorf("%s: %v\n%+v", name, err, got)
		}
	}
	unchanged, err := hex.DecodeString(strings.ReplaceAll(termsGolden, "ac020202"+"9003", "0a020000"))
	if err != nil {
		t.Fatal(err)
	}
	if r, err := Decode(unchanged, 9); !errors.Is(err, ErrDamaged) {
		t.Errorf("unchanged terms, written as if they were not: %v, %+v", err, r)
	}
}
