package service_test

import (
	"slices"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

func TestSeveralNamesAreGrantedAllOrNone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		busy := b.lock(&schema.Acquire{Name: "b", Client: "x"})
		names := []string{"c", "a", "b"}
		held := b.want(schema.StatusHeld, &schema.Acquire{Names: names, Client: "y"})
		if held.Name != "b" || len(held.Holders) != 1 || held.Holders[0].Client != "x" || held.Holders[0].ExpiresIn == nil {
			t.Errorf("refusal %+v", held)
		}
		b.wantHolders("a")
		b.wantHolders("c")
		b.unlock("b", busy)
		all := b.want(schema.StatusGranted, &schema.Acquire{Names: names, Client: "y"})
		if all.Name != "" || all.Token != 0 || *all.Count != 1 || *all.TTL != 30_000 || all.Owner == "" {
			t.Errorf("grant %+v", all)
		}
		for i, l := range all.Locks {
			if l.Name != names[i] || l.Token <= busy {
				t.Errorf("lock %d: %+v", i, l)
			}
			if got := b.state(l.Name).Holders[0].Token; got != l.Token {
				t.Errorf("%s has the token %d, was told %d", l.Name, got, l.Token)
			}
		}
	})
}

func TestTheFirstBusyNameInTheOrderAskedIsNamed(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a"})
		b.lock(&schema.Acquire{Name: "c"})
		if got := b.want(schema.StatusHeld, &schema.Acquire{Names: []string{"b", "c", "a"}}); got.Name != "c" {
			t.Errorf("named %q", got.Name)
		}
	})
}

func TestSeveralNamesWaitUntilAllAreFree(t *testing.T) {
	inBubble(t, func(b *bubble) {
		one := b.lock(&schema.Acquire{Name: "a"})
		two := b.lock(&schema.Acquire{Name: "c"})
		waiting := b.send(&schema.Acquire{Names: []string{"c", "b", "a"}, Wait: 60_000, Client: "w"})
		b.settle()
		b.wantHolders("b") // it blocks nobody meanwhile
		b.wantWaiters("a", "w")
		b.unlock("a", one)
		waiting.silent(time.Second)
		b.unlock("c", two)
		all := waiting.want(schema.StatusGranted)
		if len(all.Locks) != 3 || all.Locks[0].Name != "c" || all.Locks[2].Name != "a" {
			t.Errorf("locks %+v", all.Locks)
		}
		for _, name := range []string{"a", "b", "c"} {
			b.wantHolders(name, "w")
			b.wantWaiters(name)
		}
	})
}

func TestAWaitForSeveralNamesIsNotProlongedByOthers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "b"})
		begin := time.Now()
		waiting := b.send(&schema.Acquire{Names: []string{"a", "b"}, Wait: 5000})
		for range 4 {
			b.pass(time.Second)
			b.send(&schema.Acquire{Names: []string{"a", "b"}, Wait: 60_000})
		}
		waiting.want(schema.StatusTimeout)
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("after %s", took)
		}
	})
}

func TestSeveralNamesLetTheQueueGoFirst(t *testing.T) {
	inBubble(t, func(b *bubble) {
		one := b.lock(&schema.Acquire{Name: "a", Client: "x"})
		several := b.send(&schema.Acquire{Names: []string{"a", "b"}, Wait: 60_000, Client: "s"})
		b.settle()
		queued := b.send(&schema.Acquire{Name: "a", Wait: 60_000, Client: "q"})
		b.settle()
		b.unlock("a", one)
		two := queued.want(schema.StatusGranted)
		b.settle()
		b.unlock("a", two.Token)
		several.want(schema.StatusGranted)
	})
}

func TestAWaitForSeveralNamesTimesOut(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "b"})
		begin := time.Now()
		b.want(schema.StatusTimeout, &schema.Acquire{Names: []string{"a", "b"}, Wait: 5_000})
		if took := time.Since(begin); took < 5*time.Second || took > 6*time.Second {
			t.Errorf("after %s", took)
		}
		b.wantWaiters("a")
	})
}

func TestWhatTheOwnerHoldsAlreadyIsRenewedAndTheRestGranted(t *testing.T) {
	inBubble(t, func(b *bubble) {
		a := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o"})
		all := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Owner: "o"})
		if all.Locks[0].Token != a || all.Locks[1].Token <= a {
			t.Errorf("tokens %+v after %d", all.Locks, a)
		}
		again := b.want(schema.StatusAlready, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Owner: "o"})
		if again.Locks[1].Token != all.Locks[1].Token {
			t.Errorf("tokens %+v", again.Locks)
		}
	})
}

func TestAWaitForSeveralNamesCountsWhatItsOwnerHolds(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o"})
		busy := b.lock(&schema.Acquire{Name: "b", Client: "y"})
		waiting := b.send(&schema.Acquire{Names: []string{"a", "b"}, Client: "x", Owner: "o", Wait: 20_000})
		b.settle()
		b.unlock("b", busy)
		waiting.want(schema.StatusGranted)
	})
}

func TestRepeatOfSeveralNamesIsTheSameAttempt(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r"}
		one := b.want(schema.StatusGranted, m)
		two := b.want(schema.StatusGranted, m)
		if one.Locks[0].Token != two.Locks[0].Token || one.Locks[1].Token != two.Locks[1].Token || one.Owner != two.Owner {
			t.Errorf("first %+v, then %+v", one, two)
		}
		b.unlock("b", one.Locks[1].Token)
		if r := b.want(schema.StatusNotHeld, m); r.Name != "b" {
			t.Errorf("%+v", r)
		}
	})
}

func TestRepeatOfAWaitForSeveralNamesMovesTheAnswer(t *testing.T) {
	inBubble(t, func(b *bubble) {
		busy := b.lock(&schema.Acquire{Name: "b"})
		m := &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r", Wait: 60_000}
		old := b.send(m)
		b.settle()
		fresh := b.send(m)
		b.settle()
		b.wantWaiters("a", "x")
		b.unlock("b", busy)
		fresh.want(schema.StatusGranted)
		old.silent(time.Second)
	})
}

// A request that is waiting for one name is not to be used for several.
func TestAnAttemptForOneNameIsNotOneForSeveral(t *testing.T) {
	inBubble(t, func(b *bubble) {
		busy := b.lock(&schema.Acquire{Name: "b"})
		alone := b.send(&schema.Acquire{Name: "b", Client: "x", Request: "r", Wait: 60_000})
		b.settle()
		b.want(schema.StatusInvalid, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r"})
		b.want(schema.StatusInvalid, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r", Wait: 60_000})
		b.unlock("b", busy)
		alone.want(schema.StatusGranted)
	})
}

func TestAnAttemptForSomeNamesIsNotOneForOthers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		busy := b.lock(&schema.Acquire{Name: "c"})
		waiting := b.send(&schema.Acquire{Names: []string{"b", "c"}, Client: "x", Request: "r", Wait: 60_000})
		b.settle()
		b.want(schema.StatusInvalid, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r"})
		b.want(schema.StatusInvalid, &schema.Acquire{Names: []string{"b", "d"}, Client: "x", Request: "r", Wait: 60_000})
		b.wantHolders("a")
		b.unlock("c", busy)
		waiting.want(schema.StatusGranted)
		b.wantHolders("d")
	})
}

// What cannot be granted now must not be tried again and again.
func TestASetThatCannotBeGrantedKeepsQuiet(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for range 2 {
			b.lock(&schema.Acquire{Name: "a", Mode: schema.ModeShared, Size: 2})
		}
		full := b.send(&schema.Acquire{Names: []string{"a", "b"}, Mode: schema.ModeShared, Size: 2, Wait: 20_000})
		b.settle() // would not return if it were
		full.silent(10 * time.Second)
		full.want(schema.StatusTimeout)
	})
}

func TestASetOfSharedLocksIsGrantedWhenThereIsRoom(t *testing.T) {
	inBubble(t, func(b *bubble) {
		one := b.lock(&schema.Acquire{Name: "a", Mode: schema.ModeShared, Size: 2})
		b.lock(&schema.Acquire{Name: "a", Mode: schema.ModeShared, Size: 2})
		waiting := b.send(&schema.Acquire{Names: []string{"a", "b"}, Mode: schema.ModeShared, Size: 2, Wait: 20_000})
		b.settle()
		b.unlock("a", one)
		if got := waiting.want(schema.StatusGranted); *got.Count != 2 {
			t.Errorf("count %d", *got.Count)
		}
	})
}

// What an attempt was granted, it is answered with, whatever a repeat names.
func TestRepeatWithOtherNamesIsAnsweredWithTheFirst(t *testing.T) {
	for _, names := range [][]string{{"a", "d"}, {"d", "b"}, {"c"}, {"e", "c", "b", "d"}, {"a", "b"}, {"a", "b", "c", "d"}} {
		inBubble(t, func(b *bubble) {
			m := &schema.Acquire{Names: []string{"c", "a", "b"}, Client: "x", Request: "r"}
			first := b.want(schema.StatusGranted, m)
			other := &schema.Acquire{Names: names, Client: "x", Request: "r", Wait: 60_000, Mode: schema.ModeShared}
			again := b.want(schema.StatusGranted, other)
			if !slices.EqualFunc(first.Locks, again.Locks, func(a, b schema.LockState) bool { return a.Name == b.Name && a.Token == b.Token }) {
				t.Errorf("first %+v, then %+v", first.Locks, again.Locks)
			}
			b.wantHolders("d")
			b.wantHolders("e")
			b.want(schema.StatusReleased, &schema.Cancel{Name: "b", Client: "x", Request: "r"})
			if r := b.want(schema.StatusNotHeld, other); !slices.Contains(m.Names, r.Name) {
				t.Errorf("not held: %q", r.Name)
			}
			b.wantHolders("d")
		})
	}
}

func TestRepeatOfOneNameWithOthersIsAnsweredWithTheFirst(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "b", Client: "x", Request: "r"})
		again := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r"})
		if len(again.Locks) != 1 || again.Locks[0].Name != "b" || again.Locks[0].Token != token {
			t.Errorf("then %+v", again)
		}
		b.wantHolders("a")
	})
}

// Where no name is in common it is another attempt.
func TestOneRequestMayBeForOtherNamesAltogether(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r"})
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"c", "d"}, Client: "x", Request: "r"})
		b.want(schema.StatusReleased, &schema.Cancel{Name: "d", Client: "x", Request: "r"})
		b.wantHolders("a", "x")
		b.wantHolders("b", "x")
		b.wantHolders("c")
	})
}

// Whoever gets the repeat may not have seen yet which names the first was granted.
func TestRepeatWithOtherNamesFindsTheFirstInTheStore(t *testing.T) {
	inBubble(t, func(b *bubble) {
		first := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r"})
		b.start(&blindStore{Store: b.store, open: make(chan struct{})}, nil)
		b.workers[0].stop(b.t)
		again := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"b", "c"}, Client: "x", Request: "r"})
		if len(again.Locks) != 2 || again.Locks[0].Token != first.Locks[0].Token || again.Locks[1].Token != first.Locks[1].Token {
			t.Errorf("first %+v, then %+v", first.Locks, again.Locks)
		}
		b.wantHolders("c")
	})
}

// Nobody had heard of the grant, and it is undone just when its caller comes back
// and asks for other names.
func TestRepeatWithOtherNamesOfWhatIsUndoneIsAnAcquire(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b"}, Client: "x", Request: "r"})
		undone := false
		undo := &trickStore{Store: b.store, key: "test.a", trick: func() error {
			if !undone {
				undone = true
				b.free("test.a")
				b.free("test.b")
			}
			return nil
		}}
		b.start(&blindStore{Store: undo, open: make(chan struct{})}, nil)
		b.workers[0].stop(b.t)
		again := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"b", "c"}, Client: "x", Request: "r"})
		if len(again.Locks) != 2 || again.Locks[1].Name != "c" || !undone {
			t.Errorf("%+v", again)
		}
		b.wantHolders("a")
		b.wantHolders("b", "x")
		b.wantHolders("c", "x")
	})
}

// free makes a lock's record one that nobody is in.
func (b *bubble) free(key string) {
	b.t.Helper()
	entry, err := b.store.Load(b.t.Context(), key)
	if err != nil {
		b.t.Fatal(err)
	}
	value := append(lock.Record{}.Append(nil), make([]byte, 8)...)
	done := make(chan error, 1)
	b.store.Commit([]bus.Write{{Key: key, Value: value, Expected: entry.Revision}}, func(_ uint64, err error) { done <- err })
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
}
