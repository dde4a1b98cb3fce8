package clienttest_test

import (
	"errors"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/internal/bubbletest"
)

func TestMain(m *testing.M) {
	ats.Register()
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

func TestServerIsAWholeNatslock(t *testing.T) {
	locks := clienttest.New(t).Client(&client.Options{Realm: "shop"})
	l, err := locks.Acquire(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locks.TryAcquire(t.Context(), "a"); !errors.Is(err, client.ErrHeld) {
		t.Error(err)
	}
	if err := l.Release(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestServersAreApart(t *testing.T) {
	for range 3 {
		if _, err := clienttest.New(t).Client(nil).TryAcquire(t.Context(), "a"); err != nil {
			t.Error(err)
		}
	}
}

func TestListenIsForOtherProcesses(t *testing.T) {
	if url := clienttest.New(t).URL(); url != "" {
		t.Errorf("listens on %q", url)
	}
	s := clienttest.New(t, clienttest.Listen())
	nc, err := nats.Connect(s.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	locks, err := client.New(nc, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := locks.TryAcquire(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if err := locks.Close(); err != nil {
		t.Error(err)
	}
}

func TestHoldsOutliveTheWorkerInABubble(t *testing.T) {
	runtime.GC()
	runtime.GC()
	bubbletest.Run(t, func(t *testing.T) {
		s := clienttest.New(t)
		locks := s.Client(&client.Options{TTL: 30 * time.Second})
		l, err := locks.TryAcquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		s.StartWorker() // runs already
		s.StopWorker()
		s.StopWorker()
		time.Sleep(10 * time.Second)
		s.StartWorker()
		time.Sleep(time.Hour)
		if err := l.Err(); err != nil {
			t.Error(err)
		}
	})
	runtime.GC()
	runtime.GC()
}

func TestCutCableLosesWhatIsHeld(t *testing.T) {
	runtime.GC()
	runtime.GC()
	bubbletest.Run(t, func(t *testing.T) {
		s := clienttest.New(t)
		nc, cable := s.Cable()
		locks, err := client.New(nc, &client.Options{SessionTTL: 5 * time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		l, err := locks.TryAcquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		cable.Cut()
		next, err := s.Client(nil).Acquire(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		if d := time.Since(start); d < 2*time.Second || d > 3*time.Second || l.Err() == nil || next.Err() != nil {
			t.Errorf("after %s: %v, %v", d, l.Err(), next.Err())
		}
		cable.Mend()
		if _, err := locks.TryAcquire(t.Context(), "b"); err != nil || !nc.IsConnected() {
			t.Error(err)
		}
		if err := locks.Close(); err != nil {
			t.Error(err)
		}
	})
	runtime.GC()
	runtime.GC()
}

func BenchmarkNew(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		tb := &once{TB: b}
		b.StartTimer()
		clienttest.New(tb)
		b.StopTimer()
		tb.end()
		b.StartTimer()
	}
}

// once is a test within a benchmark: its cleanups run when it ends.
type once struct {
	testing.TB
	cleanups []func()
}

func (o *once) Cleanup(f func()) { o.cleanups = append(o.cleanups, f) }

func (o *once) TempDir() string {
	dir, err := os.MkdirTemp("", "clienttest-")
	if err != nil {
		o.Fatal(err)
	}
	o.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			o.Error(err)
		}
	})
	return dir
}

func (o *once) end() {
	for i := len(o.cleanups) - 1; i >= 0; i-- {
		o.cleanups[i]()
	}
}
