package service_test

import (
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// A refusal leaves nothing behind: of two copies of a request that are on their
// way, the first may be refused and the second granted. A caller who goes by the
// refusal cancels, before the second copy arrives or after.
func TestCancelAfterARefusalUndoesALateCopy(t *testing.T) {
	for _, m := range []*schema.Acquire{
		{Name: "b", Client: "x", Request: "r", Owner: "o"},
		{Names: []string{"a", "b", "c"}, Client: "x", Request: "r", Owner: "o"},
	} {
		cancel := &schema.Cancel{Name: "b", Client: "x", Request: "r"}
		for _, late := range []bool{true, false} {
			inBubble(t, func(b *bubble) {
				busy := b.lock(&schema.Acquire{Name: "b"})
				copies := b.send(m)
				copies.want(schema.StatusHeld)
				b.unlock("b", busy)
				if late {
					b.want(schema.StatusNotHeld, cancel)
					copies.send(m)
					copies.want(schema.StatusCanceled)
				} else {
					copies.send(m)
					copies.want(schema.StatusGranted)
					b.want(schema.StatusReleased, cancel)
				}
				for _, name := range []string{"a", "b", "c"} {
					b.wantHolders(name)
				}
			})
		}
	}
}

func TestCancelTakesAWaiterOutOfTheQueue(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		waiting := b.send(&schema.Acquire{Name: "a", Client: "x", Request: "r", Wait: 60_000})
		next := b.send(&schema.Acquire{Name: "a", Client: "y", Wait: 60_000})
		b.settle()
		if r := b.want(schema.StatusCanceled, &schema.Cancel{Name: "a", Client: "x", Request: "r"}); r.Message != "" {
			t.Errorf("message %q in an answer that is ok", r.Message)
		}
		if r := waiting.want(schema.StatusCanceled); r.Message == "" || r.Name != "a" {
			t.Errorf("the waiter is told %+v", r)
		}
		b.unlock("a", token)
		next.want(schema.StatusGranted)
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "a", Client: "x", Request: "r"})
		b.want(schema.StatusCanceled, &schema.Acquire{Name: "a", Client: "x", Request: "r"})
	})
}

func TestCancelReleasesWhatWasGrantedMeanwhile(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Request: "r"})
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "a", Client: "x", Request: "other"})
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "a", Client: "y", Request: "r"})
		b.wantHolders("a", "x")
		b.want(schema.StatusReleased, &schema.Cancel{Name: "a", Client: "x", Request: "r"})
		b.wantHolders("a")
		b.want(schema.StatusNotHeld, &schema.Acquire{Name: "a", Client: "x", Request: "r"})
	})
}

func TestCancelReleasesNothingThatWasHeldBefore(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", Request: "first"})
		b.want(schema.StatusAlready, &schema.Acquire{Name: "a", Client: "x", Owner: "o", Request: "second"})
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "a", Client: "x", Request: "second"})
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "a", Client: "x", Request: "first"})
		b.wantHolders("a", "x")
	})
}

func TestCancelThatOvertakesItsAcquireCancelsIt(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "a", Client: "x", Request: "r"})
		b.want(schema.StatusCanceled, &schema.Acquire{Name: "a", Client: "x", Request: "r", Wait: 60_000})
		b.wantHolders("a")
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "b", Client: "x", Request: "several"})
		r := b.want(schema.StatusCanceled, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "several", Wait: 60_000})
		if r.Name != "b" {
			t.Errorf("named %q", r.Name)
		}
		b.wantHolders("a")
	})
}

func TestCancelWinsOverALockThatIsHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a"})
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "b", Client: "x", Request: "r"})
		begin := time.Now()
		b.want(schema.StatusCanceled, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r", Wait: 60_000})
		if took := time.Since(begin); took > 0 {
			t.Errorf("after %s", took)
		}
		b.wantWaiters("a")
	})
}

func TestCancelOfAWaitForSeveralNamesMayNameAnyOfThem(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		inBubble(t, func(b *bubble) {
			busy := b.lock(&schema.Acquire{Name: "b"})
			waiting := b.send(&schema.Acquire{Names: []string{"c", "b", "a"}, Client: "x", Request: "r", Wait: 60_000})
			b.settle()
			b.want(schema.StatusCanceled, &schema.Cancel{Name: name, Client: "x", Request: "r"})
			waiting.want(schema.StatusCanceled)
			b.unlock("b", busy)
			b.settle()
			for _, name := range []string{"a", "b", "c"} {
				b.wantHolders(name)
				b.wantWaiters(name)
			}
		})
	}
}

// The worker that gets the cancel may not have seen yet where the wait is noted.
func TestCancelThatMissesTheNoteEndsTheWaitAllTheSame(t *testing.T) {
	inBubble(t, func(b *bubble) {
		busy := b.lock(&schema.Acquire{Name: "b"})
		waiting := b.send(&schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r", Wait: 60_000})
		b.settle()
		blind := &blindStore{Store: b.store, open: make(chan struct{})}
		b.start(blind, nil)
		b.workers[0].stop(b.t)
		b.want(schema.StatusNotHeld, &schema.Cancel{Name: "b", Client: "x", Request: "r"})
		close(blind.open)
		b.settle()
		waiting.silent(0)
		b.unlock("b", busy)
		waiting.want(schema.StatusCanceled)
	})
}

func TestCancelOfAGrantOfSeveralNamesMayNameAnyOfThem(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		inBubble(t, func(b *bubble) {
			b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"c", "a", "b"}, Client: "x", Request: "r"})
			r := b.want(schema.StatusReleased, &schema.Cancel{Name: name, Client: "x", Request: "r"})
			if r.Name != name {
				t.Errorf("named %q, want %q", r.Name, name)
			}
			for _, name := range []string{"a", "b", "c"} {
				b.wantHolders(name)
			}
			b.want(schema.StatusNotHeld, &schema.Cancel{Name: name, Client: "x", Request: "r"})
		})
	}
}

// The worker that gets the cancel has seen nothing of the grant yet, or not the
// record that has all the names.
func TestCancelOfAGrantOfSeveralNamesThatWasNotSeenYetEndsAllOfIt(t *testing.T) {
	for _, name := range []string{"a", "b", "c"} {
		inBubble(t, func(b *bubble) {
			blind := &blindStore{Store: b.store, open: make(chan struct{})}
			b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"c", "a", "b"}, Client: "x", Request: "r"})
			b.start(blind, nil)
			b.workers[0].stop(b.t)
			b.want(schema.StatusReleased, &schema.Cancel{Name: name, Client: "x", Request: "r"})
			for _, name := range []string{"a", "b", "c"} {
				b.wantHolders(name)
			}
			close(blind.open)
		})
	}
}

// What the owner held before stays, also if it is the first of the names.
func TestCancelOfAGrantOfSeveralNamesLeavesWhatWasHeldBefore(t *testing.T) {
	for _, before := range []string{"a", "b", "c"} {
		for _, name := range []string{"a", "b", "c"} {
			if name == before {
				continue
			}
			inBubble(t, func(b *bubble) {
				b.lock(&schema.Acquire{Name: before, Client: "x", Owner: "o"})
				b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"c", "a", "b"}, Client: "x", Owner: "o", Request: "r"})
				b.want(schema.StatusReleased, &schema.Cancel{Name: name, Client: "x", Request: "r"})
				for _, name := range []string{"a", "b", "c"} {
					if name == before {
						b.wantHolders(name, "x")
					} else {
						b.wantHolders(name)
					}
				}
			})
		}
	}
}

// A cancel of several names is one write: it is answered when all are free, and
// a conflict at one of them changes nothing at the others.
func TestCancelOfAGrantOfSeveralNamesIsOneWrite(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b", "c"}, Client: "x", Request: "r"})
		writes := b.countWrites()
		b.want(schema.StatusReleased, &schema.Cancel{Name: "b", Client: "x", Request: "r"})
		if got := writes(); !equal(got, []string{"test.a test.b test.c"}) {
			t.Errorf("writes %q", got)
		}
	})
}

func TestCancelOfAGrantOfSeveralNamesWritesWhatItEnds(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "b", Client: "x", Owner: "o"})
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b", "c"}, Client: "x", Owner: "o", Request: "r"})
		writes := b.countWrites()
		b.want(schema.StatusReleased, &schema.Cancel{Name: "c", Client: "x", Request: "r"})
		if got := writes(); !equal(got, []string{"test.a test.c"}) {
			t.Errorf("writes %q", got)
		}
	})
}

// While the store is away nobody knows which names they are.
func TestCancelOfAGrantOfSeveralNamesWaitsForTheStore(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b", "c"}, Client: "x", Request: "r", TTL: ms(600_000)})
		left := 100
		away := &trickStore{Store: b.store, key: "test.a", trick: func() error {
			if left--; left >= 0 {
				return bus.ErrUnavailable
			}
			return nil
		}}
		b.start(&blindStore{Store: away, open: make(chan struct{})}, nil)
		b.workers[0].stop(b.t)
		cancel := &schema.Cancel{Name: "b", Client: "x", Request: "r"}
		b.want(schema.StatusUnavailable, cancel)
		b.wantHolders("b", "x")
		b.pass(20 * time.Second)
		for _, name := range []string{"b", "c"} {
			b.wantHolders(name)
		}
	})
}

// What was released by itself is not looked for: the others are found.
func TestCancelAfterTheFirstNameWasReleasedEndsTheOthers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		all := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b", "c"}, Client: "x", Request: "r"})
		b.unlock("a", all.Locks[0].Token)
		b.want(schema.StatusReleased, &schema.Cancel{Name: "b", Client: "x", Request: "r"})
		b.wantHolders("b")
		b.wantHolders("c")
	})
}
