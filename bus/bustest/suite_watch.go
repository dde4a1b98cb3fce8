package bustest

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/natslock/natslock/bus"
)

// A viewer collects what a watch sees.
type viewer struct {
	suite  *suite
	ready  chan struct{}
	end    context.CancelFunc
	ended  chan error
	signal chan struct{}

	mu      sync.Mutex
	entries []bus.Entry
	early   int // entries that were seen before ready
}

// view starts a watch; the test ends it.
func (s *suite) view() *viewer {
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.Context()))
	v := &viewer{suite: s, ready: make(chan struct{}), end: cancel, ended: make(chan error, 1), signal: make(chan struct{}, 1)}
	go func() { v.ended <- s.store.Watch(ctx, v.see, v.becomeReady) }()
	s.Cleanup(v.stop)
	return v
}

func (v *viewer) see(e bus.Entry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.entries = append(v.entries, e)
	select {
	case v.signal <- struct{}{}:
	default:
	}
}

func (v *viewer) becomeReady() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.early = len(v.entries)
	close(v.ready) // panics when ready is called twice
}

// stop ends the watch and waits for it.
func (v *viewer) stop() {
	v.end()
	select {
	case err, open := <-v.ended:
		if open {
			close(v.ended)
		}
		if err != nil {
			v.suite.Errorf("watch returned %v", err)
		}
	case <-time.After(patience):
		v.suite.Error("watch did not end")
	}
}

// first waits for so many entries.
func (v *viewer) first(n int) []bus.Entry {
	v.suite.Helper()
	timeout := time.After(patience)
	for {
		v.mu.Lock()
		seen := v.entries
		v.mu.Unlock()
		if len(seen) >= n {
			return seen
		}
		select {
		case <-v.signal:
		case <-timeout:
			v.suite.Fatalf("%d entries were seen, want %d", len(seen), n)
		}
	}
}

func (s *suite) wait(c <-chan struct{}) {
	s.Helper()
	select {
	case <-c:
	case <-time.After(patience):
		s.Fatal("it did not happen")
	}
}

func testWatchEmpty(s *suite) {
	v := s.view()
	s.wait(v.ready)
	if v.early != 0 {
		s.Fatalf("%d entries in an empty store", v.early)
	}
}

func testWatch(s *suite) {
	want := map[string]uint64{}
	for i := range 100 {
		key := fmt.Sprintf("k%d", i)
		want[key] = s.must(write(key, "old", 0))
	}
	for i := range 10 {
		key := fmt.Sprintf("k%d", i)
		want[key] = s.must(write(key, "new", want[key]))
	}
	v := s.view()
	s.wait(v.ready)
	// A replica that is behind may show old revisions before the new ones.
	got := map[string]uint64{}
	for _, e := range v.first(v.early)[:v.early] {
		got[e.Key] = e.Revision
	}
	if !maps.Equal(got, want) {
		s.Fatalf("saw %v before ready, want %v", got, want)
	}
	r := s.must(write("later", "1", 0))
	last := v.first(v.early + 1)[v.early]
	if last.Key != "later" || last.Revision != r || string(last.Value) != "1" {
		s.Fatalf("saw %+v", last)
	}
}

func testWatchOrder(s *suite) {
	v := s.view()
	s.wait(v.ready)
	const n, window = 500, 40
	var wg sync.WaitGroup
	for i := range n {
		wg.Add(1)
		s.store.Commit([]bus.Write{write(fmt.Sprint(i), "1", 0)}, func(_ uint64, err error) {
			defer wg.Done()
			if err != nil {
				s.Errorf("commit: %v", err)
			}
		})
		if i%window == window-1 {
			wg.Wait()
		}
	}
	wg.Wait()
	s.must(write("x", "1", 0), write("y", "1", 0), write("z", "1", 0))
	var before uint64
	for i, e := range v.first(n + 3) {
		if e.Revision <= before {
			s.Fatalf("entry %d has revision %d after %d", i, e.Revision, before)
		}
		before = e.Revision
	}
}

func testWatchTwice(s *suite) {
	s.must(write("a", "1", 0))
	v, w := s.view(), s.view()
	s.wait(v.ready)
	s.wait(w.ready)
	s.must(write("b", "1", 0), write("c", "1", 0))
	seenV, seenW := v.first(3), w.first(3)
	for i := range 3 {
		if seenV[i].Key != seenW[i].Key || seenV[i].Revision != seenW[i].Revision {
			s.Fatalf("one saw %+v, the other %+v", seenV, seenW)
		}
	}
}

func testWatchEnd(s *suite) {
	v := s.view()
	s.wait(v.ready)
	v.stop()
	s.must(write("a", "1", 0))
	other := s.view()
	s.wait(other.ready)
	if seen := v.first(0); len(seen) != 0 {
		s.Fatalf("saw %+v", seen)
	}
}
