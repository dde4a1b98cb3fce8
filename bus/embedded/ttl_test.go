package embedded_test

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/internal/bubbletest"
)

// The server keeps a clock for the whole process, which must not begin in a
// bubble.
func init() { ats.Register() }

func TestAKeyIsFreeAgainAfterItsTTL(t *testing.T) {
	for range 2 {
		// The timers that nats.go pools belong to the bubble they were made in.
		runtime.GC()
		runtime.GC()
		bubbletest.Run(t, testTTL)
	}
}

func testTTL(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Config{DataDir: t.TempDir(), Sync: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	nc, err := server.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: bucketName, FirstSeq: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		nc.Close()
		stop(t, server)
	}()
	ctx, cancel := context.WithCancel(t.Context())
	ready, ended := make(chan struct{}), make(chan error)
	var seen []uint64
	go func() {
		ended <- b.Watch(ctx, func(e bus.Entry) { seen = append(seen, e.Revision) }, func() { close(ready) })
	}()
	<-ready
	write := func(expected uint64, ttl time.Duration) uint64 {
		t.Helper()
		done := make(chan error)
		var revision uint64
		b.Commit([]bus.Write{{Key: "k", Value: []byte("v"), Expected: expected, TTL: ttl}}, func(r uint64, err error) {
			revision = r
			done <- err
		})
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		return revision
	}
	first := write(0, time.Minute)
	time.Sleep(50 * time.Second)
	second := write(first, 90*time.Second) // a write starts the TTL anew
	time.Sleep(89 * time.Second)
	if e, err := b.Load(t.Context(), "k"); err != nil || e.Revision != second {
		t.Errorf("before its time it is %+v, %v", e, err)
	}
	time.Sleep(2 * time.Second)
	if e, err := b.Load(t.Context(), "k"); err != nil || e.Revision != 0 {
		t.Errorf("after its time it is %+v, %v", e, err)
	}
	third := write(0, 0)
	time.Sleep(time.Hour)
	if e, err := b.Load(t.Context(), "k"); err != nil || e.Revision != third {
		t.Errorf("without a TTL it is %+v, %v", e, err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(seen) != 3 || third != first+2 {
		t.Errorf("saw %v, the last is %d", seen, third)
	}
}
