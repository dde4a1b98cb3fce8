package bustest_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/internal/bubbletest"
)

func TestAGroupOverMemoryPassesTheStoreSuite(t *testing.T) {
	bustest.RunStoreSuite(t, func(t *testing.T) bus.Store { return bus.NewGroup(newMemory(t)) })
}

// outcomes are those of many commits at once, by the number of the commit.
type outcomes struct {
	mu    sync.Mutex
	told  map[int]int
	err   map[int]error
	at    map[int]uint64
	whole sync.WaitGroup
}

// commitAll commits n new keys at once, value i to key i, and waits for all.
func commitAll(store bus.Store, n int) *outcomes {
	o := &outcomes{told: map[int]int{}, err: map[int]error{}, at: map[int]uint64{}}
	o.whole.Add(n)
	for i := range n {
		value := []byte(fmt.Sprint(i))
		store.Commit([]bus.Write{{Key: fmt.Sprint("k", i), Value: value}}, func(revision uint64, err error) {
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.told[i]++; o.told[i] == 1 {
				o.err[i], o.at[i] = err, revision
				o.whole.Done()
			}
		})
		clear(value) // it may be used again
	}
	o.whole.Wait()
	return o
}

// slow makes every commit take a while, so that others gather, and returns the
// sizes of the commits.
func slow(m *bustest.Memory) func() []int {
	var mu sync.Mutex
	var sizes []int
	m.Fail(func(writes []bus.Write) bustest.Fault {
		mu.Lock()
		defer mu.Unlock()
		sizes = append(sizes, len(writes))
		return bustest.Fault{Delay: time.Millisecond}
	})
	return func() []int {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(sizes)
	}
}

func TestWritesThatGatherAreOneBatch(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		sizes := slow(m)
		begin := time.Now()
		o := commitAll(bus.NewGroup(m), 1200)
		if took := time.Since(begin); took > 4*time.Millisecond {
			t.Errorf("took %s, in commits of %v", took, sizes())
		}
		seen := map[uint64]bool{}
		for i := range 1200 {
			e, err := m.Load(t.Context(), fmt.Sprint("k", i))
			if err != nil || o.err[i] != nil || e.Revision != o.at[i] || string(e.Value) != fmt.Sprint(i) || seen[e.Revision] {
				t.Fatalf("commit %d: told %d, %v; stored %+v, %v", i, o.at[i], o.err[i], e, err)
			}
			seen[e.Revision] = true
		}
	})
}

func TestFewWritesGoOneByOne(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		sizes := slow(m)
		commitAll(bus.NewGroup(m), 40)
		if got := sizes(); len(got) != 40 || slices.Max(got) != 1 {
			t.Errorf("commits of %v", got)
		}
	})
}

func TestAConflictInABatchIsThatOfItsOwnWriteOnly(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		group := bus.NewGroup(m)
		for _, key := range []string{"k100", "k150"} {
			if err := outcome(m, key); err != nil {
				t.Fatal(err)
			}
		}
		slow(m)
		o := commitAll(group, 200)
		for i := range 200 {
			if taken := i == 100 || i == 150; errors.Is(o.err[i], bus.ErrConflict) != taken || (o.err[i] == nil) == taken {
				t.Errorf("commit %d: %v", i, o.err[i])
			}
		}
		if again := commitAll(group, 1); !errors.Is(again.err[0], bus.ErrConflict) {
			t.Errorf("it does not go on: %v", again.err[0])
		}
	})
}

func TestATooLargeValueInABatchHarmsNoOther(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		slow(m)
		group := bus.NewGroup(m)
		large := make(chan error, 1)
		for i := range 32 {
			group.Commit([]bus.Write{{Key: fmt.Sprint("first", i)}}, func(uint64, error) {})
		}
		group.Commit([]bus.Write{{Key: "large", Value: make([]byte, bustest.MaxValue+1)}}, func(_ uint64, err error) { large <- err })
		o := commitAll(group, 40)
		if err := <-large; !errors.Is(err, bus.ErrTooLarge) {
			t.Errorf("large: %v", err)
		}
		for i, err := range o.err {
			if err != nil {
				t.Errorf("commit %d: %v", i, err)
			}
		}
	})
}

// Whatever the store does, each commit has one outcome, and it is true.
func TestOutcomesOfAGroupAreTrue(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 150).Draw(rt, "commits")
		faults := rapid.SliceOfN(rapid.SampledFrom([]bustest.Fault{
			{}, {Delay: time.Millisecond}, {Kind: bustest.Conflict, Delay: time.Millisecond}, {Kind: bustest.Unavailable},
			{Kind: bustest.Lost, Delay: time.Second}, {Kind: bustest.LostAck, Delay: time.Second},
		}), 1, 20).Draw(rt, "faults")
		bubbletest.Run(t, func(t *testing.T) {
			m, next := newMemory(t), 0
			m.Fail(func([]bus.Write) bustest.Fault {
				next++
				return faults[next%len(faults)]
			})
			o := commitAll(bus.NewGroup(m), n)
			synctest.Wait()
			for i := range n {
				e, err := m.Load(t.Context(), fmt.Sprint("k", i))
				if err != nil || o.told[i] != 1 {
					rt.Fatalf("commit %d: told %d times, %v", i, o.told[i], err)
				}
				stored := e.Revision > 0
				switch {
				case o.err[i] == nil && (e.Revision != o.at[i] || string(e.Value) != fmt.Sprint(i)):
					rt.Errorf("commit %d: told %d, stored %+v", i, o.at[i], e)
				case o.err[i] != nil && !errors.Is(o.err[i], bus.ErrUnknown) && stored:
					rt.Errorf("commit %d: told %v, and stored", i, o.err[i])
				}
			}
		})
	})
}
