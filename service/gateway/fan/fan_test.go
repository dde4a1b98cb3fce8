package fan_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/service/gateway/fan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errSource = errors.New("the source is dry")

// all takes what there is, without waiting.
func all(r *fan.Reader[int]) (got []int, err error) {
	for into := make([]int, 3); ; {
		n, _, err := r.Take(into)
		if n == 0 {
			return got, err
		}
		got = append(got, into[:n]...)
	}
}

func TestReadersAreToldFromWhenTheyJoin(t *testing.T) {
	o := fan.NewOut[int](10)
	a := o.Join(t.Context())
	defer a.Close()
	o.Put(1)
	b := o.Join(t.Context())
	defer b.Close()
	for i := range 5 {
		o.Put(i + 2)
	}
	o.End(errSource)
	o.Put(99)
	for r, want := range map[*fan.Reader[int]]string{a: "[1 2 3 4 5 6]", b: "[2 3 4 5 6]"} {
		if got, err := all(r); fmt.Sprint(got) != want || !errors.Is(err, errSource) {
			t.Errorf("%v %v, want %s", got, err, want)
		}
	}
}

func TestWhoIsTooFarBehindIsCutOff(t *testing.T) {
	o := fan.NewOut[int](100)
	late, hung := o.Join(t.Context()), o.Join(t.Context())
	defer late.Close()
	defer hung.Close()
	for i := range 100 {
		o.Put(i)
	}
	if got, err := all(late); len(got) != 100 || err != nil {
		t.Errorf("%v: %v", got, err)
	}
	for i := range 101 {
		o.Put(i)
	}
	if got, err := all(late); got != nil || !errors.Is(err, fan.ErrBehind) {
		t.Errorf("%v: %v", got, err)
	}
	<-hung.Context().Done() // it does not ask
	if err := context.Cause(hung.Context()); !errors.Is(err, fan.ErrBehind) {
		t.Error(err)
	}
}

func TestReadingEndsWithItsContext(t *testing.T) {
	o := fan.NewOut[int](10)
	ctx, cancel := context.WithCancelCause(t.Context())
	r := o.Join(ctx)
	defer r.Close()
	o.Put(1)
	cancel(errSource)
	if got, err := all(r); got != nil || !errors.Is(err, errSource) {
		t.Errorf("%v: %v", got, err)
	}
}

// TestReadersAreWoken has many wait for each that is told.
func TestReadersAreWoken(t *testing.T) {
	const readers, puts = 200, 500
	o := fan.NewOut[int](puts)
	var reading sync.WaitGroup
	for range readers {
		r := o.Join(t.Context())
		reading.Go(func() {
			defer r.Close()
			at := 0
			err := r.Each(func(v int) error {
				if v != at {
					t.Errorf("%d instead of %d", v, at)
				}
				at++
				return nil
			})
			if at != puts || !errors.Is(err, errSource) {
				t.Errorf("ended after %d: %v", at, err)
			}
		})
	}
	for i := range puts {
		o.Put(i)
	}
	o.End(errSource)
	reading.Wait()
}

// TestAMultitudeIsWokenTogether has more told than so many could take one by one.
func TestAMultitudeIsWokenTogether(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		const readers = 1000
		o := fan.NewOut[int](100)
		woken := make(chan struct{}, readers*100)
		var reading sync.WaitGroup
		for range readers {
			r := o.Join(t.Context())
			reading.Go(func() {
				defer r.Close()
				into := make([]int, 100)
				for {
					n, more, err := r.Take(into)
					switch {
					case err != nil:
						return
					case n == 0:
						<-more
					default:
						woken <- struct{}{}
					}
				}
			})
		}
		put := func(n int, after time.Duration, want int) {
			t.Helper()
			for range n {
				o.Put(0)
			}
			time.Sleep(after)
			synctest.Wait()
			if got := len(woken); got != want*readers {
				t.Errorf("%d have read, want %d times %d", got, want, readers)
			}
			drain(woken)
		}
		synctest.Wait()
		put(1, 0, 1)                 // at once
		put(10, time.Millisecond, 0) // not yet
		put(10, time.Second, 1)      // but soon
		put(1, 0, 1)                 // at once again
		put(25, time.Millisecond, 1) // since it is much: a quarter of what there is room for
		o.End(errSource)
		reading.Wait()
	})
}

// drain empties a channel.
func drain(c chan struct{}) {
	for len(c) > 0 {
		<-c
	}
}

// source is one that a test holds in its hands.
type source struct {
	begun, ended atomic.Int64
	live         chan struct{} // closed: it comes to that
	fail         chan error    // ends it
	put          atomic.Pointer[func(int)]
}

func newSource() *source { return &source{live: make(chan struct{}), fail: make(chan error)} }

func (s *source) run(ctx context.Context, _ string, live func(), put func(int)) error {
	s.begun.Add(1)
	defer s.ended.Add(1)
	select {
	case <-s.live:
	case <-ctx.Done():
		return nil
	case err := <-s.fail:
		return err
	}
	s.put.Store(&put)
	live()
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.fail:
		return err
	}
}

func TestOneSourceForAllReadersOfAKey(t *testing.T) {
	s := newSource()
	h := fan.NewHub(10, s.run)
	joined := make(chan *fan.Reader[int])
	for range 3 {
		go func() {
			r, err := h.Join(t.Context(), "a")
			if err != nil {
				t.Error(err)
			}
			joined <- r
		}()
	}
	select {
	case <-joined:
		t.Error("joined before the source was live")
	default:
	}
	close(s.live)
	readers := []*fan.Reader[int]{<-joined, <-joined, <-joined}
	(*s.put.Load())(7)
	for i, r := range readers {
		if got, err := all(r); len(got) != 1 || err != nil {
			t.Errorf("%v: %v", got, err)
		}
		if s.ended.Load() != 0 {
			t.Errorf("ended with %d readers", len(readers)-i)
		}
		r.Close()
		r.Close()
	}
	again, err := h.Join(t.Context(), "a")
	if err != nil || s.begun.Load() != 2 {
		t.Fatal(err, s.begun.Load())
	}
	other, err := h.Join(t.Context(), "b")
	if err != nil || s.begun.Load() != 3 {
		t.Fatal(err, s.begun.Load())
	}
	h.Close(errSource)
	if s.ended.Load() != s.begun.Load() {
		t.Errorf("%d of %d have ended", s.ended.Load(), s.begun.Load())
	}
	for _, r := range []*fan.Reader[int]{again, other} {
		if _, err := all(r); !errors.Is(err, errSource) {
			t.Error(err)
		}
		r.Close()
	}
	if _, err := h.Join(t.Context(), "a"); !errors.Is(err, errSource) {
		t.Error(err)
	}
}

// TestASourceIsAllReaders has the first reader give up before the source is live.
func TestASourceIsAllReaders(t *testing.T) {
	s := newSource()
	h := fan.NewHub(10, s.run)
	defer h.Close(nil)
	ctx, cancel := context.WithCancel(t.Context())
	failed, joined := make(chan error), make(chan error)
	join := func(ctx context.Context, how chan error) {
		r, err := h.Join(ctx, "a")
		if err == nil {
			defer r.Close()
		}
		how <- err
	}
	go join(ctx, failed)
	for s.begun.Load() == 0 {
		runtime.Gosched()
	}
	go join(t.Context(), joined)
	cancel()
	if err := <-failed; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(s.live)
	if err := <-joined; err != nil {
		t.Error(err)
	}
}

func TestASourceThatFailsIsBegunAnewForTheNext(t *testing.T) {
	s := newSource()
	h := fan.NewHub(10, s.run)
	defer h.Close(nil)
	failed := make(chan error)
	go func() {
		_, err := h.Join(t.Context(), "a")
		failed <- err
	}()
	s.fail <- errSource
	if err := <-failed; !errors.Is(err, errSource) {
		t.Error(err)
	}
	close(s.live)
	r, err := h.Join(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	(*s.put.Load())(1)
	_, _, _ = r.Take(make([]int, 1))
	_, more, _ := r.Take(make([]int, 1))
	s.fail <- errSource
	<-more
	if _, _, err := r.Take(nil); !errors.Is(err, errSource) {
		t.Error(err)
	}
	if r, err := h.Join(t.Context(), "a"); err != nil || s.begun.Load() != 3 {
		t.Error(err, s.begun.Load())
	} else {
		r.Close()
	}
}

// TestReadersComeAndGo has many come and go at the same time: whoever has joined is
// told what is put then.
func TestReadersComeAndGo(t *testing.T) {
	var sources atomic.Int64
	h := fan.NewHub(1000, func(ctx context.Context, _ string, live func(), put func(int)) error {
		sources.Add(1)
		defer sources.Add(-1)
		live()
		for i := 0; ctx.Err() == nil; i++ {
			put(i)
			runtime.Gosched()
		}
		return nil
	})
	var coming sync.WaitGroup
	for i := range 8 {
		coming.Go(func() {
			for range 100 {
				r, err := h.Join(t.Context(), fmt.Sprint("key", i%2))
				if err != nil {
					t.Error(err)
					return
				}
				into := make([]int, 1)
				n, more, err := r.Take(into)
				if n == 0 && err == nil {
					<-more
					_, _, err = r.Take(into)
				}
				if err != nil && !errors.Is(err, fan.ErrBehind) {
					t.Error(err)
				}
				r.Close()
			}
		})
	}
	coming.Wait()
	h.Close(nil)
	if n := sources.Load(); n != 0 {
		t.Errorf("%d sources are left", n)
	}
}
