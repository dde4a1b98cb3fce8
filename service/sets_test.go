package service

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// However the sets of a lock change from one record to the next that was seen,
// the index is what it would be if it were made anew.
func TestSetsFollowEveryChange(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	s := newSets()
	actors := []*actor{{key: "r.a", realm: "r", name: "a"}, {key: "r.b", realm: "r", name: "b"}, {key: "q.a", realm: "q", name: "a"}}
	for round := range 5000 {
		a := actors[random.IntN(len(actors))]
		sets := slices.Clone(a.record.Sets)
		for range random.IntN(3) {
			if len(sets) > 0 && random.IntN(2) == 0 {
				i := random.IntN(len(sets))
				sets = slices.Delete(sets, i, i+1)
			} else if n := lock.Attempt(random.IntN(9) + 1); !slices.ContainsFunc(sets, func(s lock.Set) bool { return s.Attempt == n }) {
				sets = append(sets, lock.Set{Waiter: lock.Waiter{Attempt: n}, Names: []string{a.name, fmt.Sprint(n % 3), "c"}})
			}
		}
		a.record.Sets = sets
		a.revision++
		s.follow(a)
		anew := newSets()
		for _, a := range actors {
			anew.follow(&actor{key: a.key, realm: a.realm, record: a.record})
		}
		if diff := cmp.Diff(anew.wants, s.wants) + cmp.Diff(anew.attempts, s.attempts); diff != "" {
			t.Fatalf("round %d: anew -, followed +\n%s", round, diff)
		}
		for n := range lock.Attempt(9) {
			var want []string
			for _, a := range actors[:2] {
				if setOf(&a.record, n+1) != nil {
					want = append(want, a.key)
				}
			}
			if got := s.lead("r", n+1); got == "" && want != nil || got != "" && !slices.Contains(want, got) {
				t.Fatalf("round %d: attempt %d is noted under %q, found %q", round, n+1, want, got)
			}
		}
		if got, want := s.wanted(&actor{key: schema.LockKey("r", "c"), revision: 1}), leadsOf(actors[:2]); !slices.Equal(slices.Sorted(slices.Values(got)), want) {
			t.Fatalf("round %d: c is wanted by %q, not %q", round, want, got)
		}
	}
}

// leadsOf lists the keys of those that have sets.
func leadsOf(actors []*actor) (keys []string) {
	for _, a := range actors {
		if len(a.record.Sets) > 0 {
			keys = append(keys, a.key)
		}
	}
	return keys
}

// BenchmarkSetsFollow is what a write of a lock costs the index of sets while
// many attempts wait for several names.
func BenchmarkSetsFollow(b *testing.B) {
	for _, lead := range []string{"interested", "other"} {
		b.Run(lead, func(b *testing.B) {
			s := newSets()
			a := &actor{key: "r.interested", realm: "r", name: "interested"}
			for i := range 500 {
				names := []string{"interested"}
				for j := range 15 {
					names = append(names, fmt.Sprintf("name-%d-%d", i, j))
				}
				a.record.Sets = append(a.record.Sets, lock.Set{Waiter: lock.Waiter{Attempt: lock.Attempt(i + 1)}, Names: names})
			}
			s.follow(a)
			written := &actor{key: "r." + lead, realm: "r", name: lead}
			if lead == "interested" {
				written = a
			}
			for b.Loop() {
				written.revision++
				s.follow(written)
				s.wanted(written)
			}
		})
	}
}
