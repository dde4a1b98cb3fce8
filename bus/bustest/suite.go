package bustest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
)

// patience is how long the suite waits for what must happen.
const patience = 30 * time.Second

// RunStoreSuite runs the tests that every bus.Store must pass. open returns an
// empty store and takes care of closing it.
func RunStoreSuite(t *testing.T, open func(t *testing.T) bus.Store) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(s *suite)
	}{
		{"AKeyThatIsNotThereHasRevisionZero", testAbsent},
		{"ACreatedKeyIsLoaded", testCreate},
		{"AnEmptyValueIsThere", testEmptyValue},
		{"AStaleWriteConflictsAndChangesNothing", testConflict},
		{"ACreateOfAKeyThatIsThereConflicts", testCreateTwice},
		{"AChainOfWritesGrows", testChain},
		{"SeveralKeysAreNumberedInOrder", testBatch},
		{"SeveralKeysAreStoredAllOrNone", testBatchConflict},
		{"OneKeyTwiceInACommitConflicts", testBatchTwice},
		{"OneOfManyWritersWins", testOneWinner},
		{"ConcurrentBatchesNeverMix", testBatchRace},
		{"DoneIsNotCalledFromWithinCommit", testDoneElsewhere},
		{"CommitsInsideDoneWork", testCommitInDone},
		{"TheValueMayBeReusedAfterCommit", testValueReuse},
		{"ATooLargeValueIsRefused", testTooLarge},
		{"AnInvalidKeyIsRefused", testInvalidKey},
		{"ATTLIsAccepted", testTTL},
		{"ALoadEndsWithItsContext", testLoadContext},
		{"AWatchOfAnEmptyStoreIsReady", testWatchEmpty},
		{"AWatchSeesWhatIsThereThenReadyThenWrites", testWatch},
		{"AWatchSeesWritesInOrder", testWatchOrder},
		{"TwoWatchesSeeTheSame", testWatchTwice},
		{"AnEndedWatchSeesNothing", testWatchEnd},
		{"APurgeDropsWhatIsBelow", testPurge},
		{"AScanSeesWhatIsThere", testScan},
		{"AScanEndsWithAnErrorOrItsContext", testScanEnd},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(&suite{T: t, store: open(t)}) })
	}
}

// suite is one test and its store.
type suite struct {
	*testing.T
	store bus.Store
}

// commit waits for the outcome.
func (s *suite) commit(writes ...bus.Write) (uint64, error) {
	s.Helper()
	type outcome struct {
		revision uint64
		err      error
	}
	done := make(chan outcome, 2)
	s.store.Commit(writes, func(revision uint64, err error) { done <- outcome{revision, err} })
	select {
	case o := <-done:
		if o.err != nil && o.revision != 0 {
			s.Errorf("revision %d comes with the error %v", o.revision, o.err)
		}
		return o.revision, o.err
	case <-time.After(patience):
		s.Fatal("done was not called")
		return 0, nil
	}
}

// must commits what has to succeed.
func (s *suite) must(writes ...bus.Write) uint64 {
	s.Helper()
	revision, err := s.commit(writes...)
	if err != nil {
		s.Fatalf("commit: %v", err)
	}
	return revision
}

// refused commits what has to fail.
func (s *suite) refused(want error, writes ...bus.Write) {
	s.Helper()
	if _, err := s.commit(writes...); !errors.Is(err, want) {
		s.Fatalf("commit: error %v, want %v", err, want)
	}
}

// expect loads a key and compares.
func (s *suite) expect(key, value string, revision uint64) {
	s.Helper()
	e, err := s.store.Load(s.Context(), key)
	if err != nil {
		s.Fatalf("load: %v", err)
	}
	if e.Key != key || string(e.Value) != value || e.Revision != revision {
		s.Fatalf("loaded %q = %q at %d, want %q at %d", e.Key, e.Value, e.Revision, value, revision)
	}
}

func write(key, value string, expected uint64) bus.Write {
	return bus.Write{Key: key, Value: []byte(value), Expected: expected}
}

func testAbsent(s *suite) {
	s.expect("none", "", 0)
	s.must(write("other", "x", 0))
	s.expect("none", "", 0)
}

func testCreate(s *suite) {
	r := s.must(write("a.b-c_d=e/f", "x", 0))
	if r == 0 {
		s.Fatal("revision 0 was given")
	}
	s.expect("a.b-c_d=e/f", "x", r)
}

func testEmptyValue(s *suite) {
	r := s.must(bus.Write{Key: "a"})
	s.expect("a", "", r)
	s.refused(bus.ErrConflict, write("a", "x", 0))
	s.must(write("a", "x", r))
}

func testConflict(s *suite) {
	first := s.must(write("a", "1", 0))
	second := s.must(write("a", "2", first))
	for _, expected := range []uint64{0, first, second + 1, second + 1000} {
		s.refused(bus.ErrConflict, write("a", "3", expected))
	}
	s.refused(bus.ErrConflict, write("b", "3", first))
	s.expect("a", "2", second)
	s.expect("b", "", 0)
}

func testCreateTwice(s *suite) {
	r := s.must(write("a", "1", 0))
	s.refused(bus.ErrConflict, write("a", "2", 0))
	s.expect("a", "1", r)
}

func testChain(s *suite) {
	var a, b, last uint64
	for i := range 50 {
		a = s.must(write("a", fmt.Sprint(i), a))
		b = s.must(write("b", fmt.Sprint(i), b))
		if a <= last || b <= a {
			s.Fatalf("revisions %d, %d, %d do not grow", last, a, b)
		}
		last = b
	}
	s.expect("a", "49", a)
	s.expect("b", "49", b)
}

func testBatch(s *suite) {
	b := s.must(write("b", "old", 0))
	r := s.must(write("a", "1", 0), write("b", "2", b), write("c", "3", 0))
	s.expect("a", "1", r-2)
	s.expect("b", "2", r-1)
	s.expect("c", "3", r)
	s.must(write("a", "4", r-2), write("b", "5", r-1), write("c", "6", r))
}

func testBatchConflict(s *suite) {
	b := s.must(write("b", "old", 0))
	s.refused(bus.ErrConflict, write("a", "1", 0), write("b", "2", b+7), write("c", "3", 0))
	s.refused(bus.ErrConflict, write("a", "1", 0), write("c", "3", 0), write("b", "2", 0))
	s.refused(bus.ErrConflict, write("b", "2", 0), write("a", "1", 0), write("c", "3", 0))
	s.expect("a", "", 0)
	s.expect("b", "old", b)
	s.expect("c", "", 0)
}

func testBatchTwice(s *suite) {
	s.refused(bus.ErrConflict, write("a", "1", 0), write("a", "2", 0))
	s.expect("a", "", 0)
}

func testOneWinner(s *suite) {
	const writers, rounds = 20, 20
	var at uint64
	for round := range rounds {
		var wg sync.WaitGroup
		var mu sync.Mutex
		wins, value, expected := 0, "", at
		for i := range writers {
			wg.Add(1)
			text := fmt.Sprintf("%d.%d", round, i)
			go s.store.Commit([]bus.Write{write("a", text, expected)}, func(revision uint64, err error) {
				defer wg.Done()
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					wins++
					value = text
					at = revision
				case !errors.Is(err, bus.ErrConflict):
					s.Errorf("a loser got %v", err)
				}
			})
		}
		wg.Wait()
		if wins != 1 {
			s.Fatalf("round %d: %d writers won", round, wins)
		}
		s.expect("a", value, at)
	}
}

func testBatchRace(s *suite) {
	const writers = 10
	var wg sync.WaitGroup
	var mu sync.Mutex
	wins := 0
	for i := range writers {
		wg.Add(1)
		text := fmt.Sprint(i)
		keys := []bus.Write{write("a", text, 0), write("b", text, 0)}
		if i%2 == 1 {
			slices.Reverse(keys)
		}
		go s.store.Commit(keys, func(_ uint64, err error) {
			defer wg.Done()
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				wins++
			} else if !errors.Is(err, bus.ErrConflict) {
				s.Errorf("a loser got %v", err)
			}
		})
	}
	wg.Wait()
	a, errA := s.store.Load(s.Context(), "a")
	b, errB := s.store.Load(s.Context(), "b")
	if wins != 1 || errA != nil || errB != nil || len(a.Value) == 0 || !bytes.Equal(a.Value, b.Value) {
		s.Fatalf("%d won, a is %q (%v), b is %q (%v)", wins, a.Value, errA, b.Value, errB)
	}
}

func testDoneElsewhere(s *suite) {
	var mu sync.Mutex // would deadlock if done were called from within Commit
	called := make(chan struct{})
	mu.Lock()
	s.store.Commit([]bus.Write{write("a", "1", 0)}, func(uint64, error) {
		mu.Lock()
		defer mu.Unlock()
		close(called)
	})
	s.store.Commit(nil, func(uint64, error) {
		mu.Lock()
		defer mu.Unlock()
	})
	mu.Unlock()
	s.wait(called)
}

func testCommitInDone(s *suite) {
	done := make(chan error, 1)
	s.store.Commit([]bus.Write{write("a", "1", 0)}, func(r uint64, err error) {
		if err != nil {
			done <- err
			return
		}
		s.store.Commit([]bus.Write{write("a", "2", r)}, func(_ uint64, err error) { done <- err })
	})
	select {
	case err := <-done:
		if err != nil {
			s.Fatal(err)
		}
	case <-time.After(patience):
		s.Fatal("done was not called")
	}
}

func testValueReuse(s *suite) {
	value := []byte("before")
	writes := []bus.Write{{Key: "a", Value: value}}
	done := make(chan uint64, 1)
	s.store.Commit(writes, func(r uint64, _ error) { done <- r })
	copy(value, "behind")
	writes[0] = bus.Write{}
	s.expect("a", "before", <-done)
}

func testTooLarge(s *suite) {
	huge := bus.Write{Key: "a", Value: make([]byte, 4<<20)}
	s.refused(bus.ErrTooLarge, huge)
	s.refused(bus.ErrTooLarge, write("b", "1", 0), huge)
	s.expect("b", "", 0)
	large := bytes.Repeat([]byte("x"), 512<<10)
	r := s.must(bus.Write{Key: "a", Value: large})
	s.expect("a", string(large), r)
}

func testInvalidKey(s *suite) {
	for _, key := range []string{"", ".", "a.", ".a", "a..b", "a b", "a*", ">", "a\x00", "\n", "é", "$a", string(bytes.Repeat([]byte("x"), 5000))} {
		s.refused(bus.ErrInvalidKey, write(key, "1", 0))
		s.refused(bus.ErrInvalidKey, write("fine", "1", 0), write(key, "1", 0))
		if _, err := s.store.Load(s.Context(), key); !errors.Is(err, bus.ErrInvalidKey) {
			s.Errorf("load of %.20q: error %v", key, err)
		}
	}
	s.refused(bus.ErrInvalidKey)
	s.expect("fine", "", 0)
	long := string(bytes.Repeat([]byte("x"), 2000))
	s.expect(long, "1", s.must(write(long, "1", 0)))
}

func testTTL(s *suite) {
	for _, ttl := range []time.Duration{time.Millisecond, time.Second, 90 * time.Second, 24 * time.Hour} {
		key := fmt.Sprint(int64(ttl))
		w := write(key, "1", 0)
		w.TTL = time.Hour
		r := s.must(w)
		w.TTL, w.Expected = ttl, r
		s.must(w)
	}
	r := s.must(bus.Write{Key: "a", TTL: time.Hour}, bus.Write{Key: "b"}, bus.Write{Key: "c", TTL: time.Minute})
	s.expect("c", "", r)
}

func testLoadContext(s *suite) {
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if _, err := s.store.Load(ctx, "a"); !errors.Is(err, bus.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		s.Fatalf("error %v", err)
	}
}
