package bustest_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/internal/bubbletest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newMemory(t *testing.T) *bustest.Memory {
	m := bustest.NewMemory()
	t.Cleanup(m.Close)
	return m
}

func TestMemoryPassesTheStoreSuite(t *testing.T) {
	bustest.RunStoreSuite(t, func(t *testing.T) bus.Store { return newMemory(t) })
}

// outcome commits a key's first value and waits.
func outcome(m *bustest.Memory, key string) error {
	done := make(chan error, 1)
	m.Commit([]bus.Write{{Key: key, Value: []byte("x")}}, func(_ uint64, err error) { done <- err })
	return <-done
}

func isThere(t *testing.T, m *bustest.Memory, key string) bool {
	t.Helper()
	e, err := m.Load(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return e.Revision > 0
}

func TestFaultsTellAndStoreWhatTheySay(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		for _, test := range []struct {
			fault  bustest.Fault
			err    error
			stored bool // at once
			later  bool // a second after
			took   time.Duration
		}{
			{bustest.Fault{}, nil, true, true, 0},
			{bustest.Fault{Delay: time.Minute}, nil, true, true, time.Minute},
			{bustest.Fault{Kind: bustest.Conflict}, bus.ErrConflict, false, false, 0},
			{bustest.Fault{Kind: bustest.Unavailable, Delay: time.Second}, bus.ErrUnavailable, false, false, time.Second},
			{bustest.Fault{Kind: bustest.Lost}, bus.ErrUnknown, false, false, 0},
			{bustest.Fault{Kind: bustest.LostAck, Delay: time.Second}, bus.ErrUnknown, true, true, time.Second},
			{bustest.Fault{Kind: bustest.Late, Late: time.Second}, bus.ErrUnknown, false, true, 0},
		} {
			key := fmt.Sprint(test.fault.Kind, "-", test.fault.Delay)
			m.Fail(func([]bus.Write) bustest.Fault { return test.fault })
			begin := time.Now()
			if err := outcome(m, key); !errors.Is(err, test.err) {
				t.Errorf("%+v: error %v", test.fault, err)
			}
			if took := time.Since(begin); took != test.took {
				t.Errorf("%+v: it took %s", test.fault, took)
			}
			if stored := isThere(t, m, key); stored != test.stored {
				t.Errorf("%+v: stored is %t", test.fault, stored)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			if stored := isThere(t, m, key); stored != test.later {
				t.Errorf("%+v: stored later is %t", test.fault, stored)
			}
		}
	})
}

func TestALateWriteLosesToOneThatOvertakesIt(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		m.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Kind: bustest.Late, Late: time.Second} })
		if err := outcome(m, "a"); !errors.Is(err, bus.ErrUnknown) {
			t.Fatal(err)
		}
		m.Fail(nil)
		if err := outcome(m, "a"); err != nil {
			t.Fatal(err)
		}
		before, err := m.Load(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		after, err := m.Load(t.Context(), "a")
		if err != nil || after.Revision != before.Revision {
			t.Errorf("it was at %d and is at %d, %v", before.Revision, after.Revision, err)
		}
	})
}

func TestAStoreThatIsDownIsUnavailable(t *testing.T) {
	m := newMemory(t)
	m.SetDown(true)
	if err := outcome(m, "a"); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("commit: %v", err)
	}
	if _, err := m.Load(t.Context(), "a"); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("load: %v", err)
	}
	m.SetDown(false)
	if err := outcome(m, "a"); err != nil {
		t.Error(err)
	}
}

func TestALaggingWatchSeesWritesLater(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		m.SetLag(time.Minute)
		ctx, cancel := context.WithCancel(t.Context())
		seen, ended := make(chan time.Time, 10), make(chan error)
		go func() {
			ended <- m.Watch(ctx, func(bus.Entry) { seen <- time.Now() }, func() {})
		}()
		synctest.Wait()
		begin := time.Now()
		if err := outcome(m, "a"); err != nil {
			t.Fatal(err)
		}
		if lag := (<-seen).Sub(begin); lag != time.Minute {
			t.Errorf("it was seen after %s", lag)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestDroppedKeysAreFreeAgain(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		m := newMemory(t)
		commit := func(w bus.Write) {
			t.Helper()
			done := make(chan error)
			m.Commit([]bus.Write{w}, func(_ uint64, err error) { done <- err })
			if err := <-done; err != nil {
				t.Fatal(err)
			}
		}
		commit(bus.Write{Key: "a", TTL: time.Minute})
		commit(bus.Write{Key: "b", TTL: time.Hour})
		commit(bus.Write{Key: "c"})
		time.Sleep(time.Minute)
		if !isThere(t, m, "a") {
			t.Error("a key was dropped though nobody asked for it")
		}
		m.DropExpired()
		if isThere(t, m, "a") || m.Keys() != 2 {
			t.Errorf("%d keys are there", m.Keys())
		}
		m.Drop("c")
		commit(bus.Write{Key: "a"})
		commit(bus.Write{Key: "c"})
	})
}

func TestCloseEndsWatchesAndStoresWhatIsLate(t *testing.T) {
	m := bustest.NewMemory()
	m.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Kind: bustest.Late, Late: time.Millisecond} })
	ready, ended := make(chan struct{}), make(chan error)
	go func() {
		ended <- m.Watch(context.WithoutCancel(t.Context()), func(bus.Entry) {}, func() { close(ready) })
	}()
	<-ready
	if err := outcome(m, "a"); !errors.Is(err, bus.ErrUnknown) {
		t.Fatal(err)
	}
	m.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if !isThere(t, m, "a") {
		t.Error("the late write is not there")
	}
}
