package bustest

import (
	"context"
	"errors"
	"fmt"

	"github.com/natslock/natslock/bus"
)

func testPurge(s *suite) {
	first := s.must(write("a", "1", 0))
	s.extent(1, first)
	b := s.must(write("b", "1", 0))
	a := s.must(write("a", "2", first))
	c := s.must(write("c", "1", 0))
	s.extent(3, b)
	v := s.view()
	s.wait(v.ready)
	for range 2 { // again it does nothing
		if err := s.store.Purge(s.Context(), c); err != nil {
			s.Fatal(err)
		}
		s.expect("a", "", 0)
		s.expect("b", "", 0)
		s.expect("c", "1", c)
		s.extent(1, c)
	}
	s.refused(bus.ErrConflict, write("a", "3", a))
	d := s.must(write("a", "3", 0), write("c", "2", c))
	s.expect("a", "3", d-1)
	s.expect("c", "2", d)
	s.extent(2, d-1)
	if seen := v.first(v.early + 2)[v.early:]; len(seen) != 2 || seen[0].Key != "a" || seen[1].Key != "c" {
		s.Fatalf("after the purge was seen %+v", seen)
	}
}

func (s *suite) extent(keys, first uint64) {
	s.Helper()
	e, err := s.store.Extent(s.Context())
	if err != nil || e.Keys != keys || e.First != first {
		s.Fatalf("the extent is %+v, %v; want %d keys from %d on", e, err, keys, first)
	}
}

func testScan(s *suite) {
	want := map[string]uint64{}
	for i := range 50 {
		key := fmt.Sprint("k", i)
		want[key] = s.must(write(key, "v", 0))
	}
	for i := range 10 {
		key := fmt.Sprint("k", 3*i)
		want[key] = s.must(write(key, "new", want[key]))
	}
	last := uint64(0)
	err := s.store.Scan(s.Context(), func(e bus.Entry) error {
		if e.Revision <= last || e.Revision == want[e.Key] && len(e.Value) == 0 {
			s.Errorf("after %d was seen %+v", last, e)
		}
		last = e.Revision
		if e.Revision == want[e.Key] {
			delete(want, e.Key)
		}
		return nil
	})
	if err != nil || len(want) > 0 {
		s.Errorf("%v, not seen: %v", err, want)
	}
}

func testScanEnd(s *suite) {
	s.must(write("a", "v", 0))
	s.must(write("b", "v", 0))
	enough, n := errors.New("enough"), 0
	err := s.store.Scan(s.Context(), func(bus.Entry) error {
		n++
		return enough
	})
	if !errors.Is(err, enough) || n != 1 {
		s.Errorf("after %d it ended with %v", n, err)
	}
	ctx, cancel := context.WithCancel(s.Context())
	cancel()
	if err := s.store.Scan(ctx, func(bus.Entry) error { return nil }); !errors.Is(err, bus.ErrUnavailable) {
		s.Errorf("with a context that has ended it returned %v", err)
	}
}
