package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
)

// viewer is a watch that counts what it sees of each key.
type viewer struct {
	t     *testing.T
	ready chan struct{}
	moved chan struct{}

	mu   sync.Mutex
	seen map[string]int
	last uint64
}

func view(t *testing.T, s bus.Store) *viewer {
	t.Helper()
	v := &viewer{t: t, ready: make(chan struct{}), moved: make(chan struct{}, 1), seen: map[string]int{}}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error)
	go func() { ended <- s.Watch(ctx, v.see, func() { close(v.ready) }) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("watch: %v", err)
		}
	})
	return v
}

func (v *viewer) see(e bus.Entry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if e.Revision <= v.last {
		v.t.Errorf("revision %d after %d", e.Revision, v.last)
	}
	v.last = e.Revision
	v.seen[e.Key]++
	select {
	case v.moved <- struct{}{}:
	default:
	}
}

// until waits until the revision was seen.
func (v *viewer) until(revision uint64) {
	v.t.Helper()
	timeout := time.After(patience)
	for {
		v.mu.Lock()
		last := v.last
		v.mu.Unlock()
		if last >= revision {
			return
		}
		select {
		case <-v.moved:
		case <-timeout:
			v.t.Fatalf("revision %d was seen, %d was not", last, revision)
		}
	}
}

// fill creates keys <prefix>0 to <prefix>n-1 and returns the last revision.
func fill(t testing.TB, s bus.Store, prefix string, n, size int) uint64 {
	t.Helper()
	outcomes := make(chan outcome, n)
	for i := range n {
		s.Commit([]bus.Write{{Key: fmt.Sprint(prefix, i), Value: make([]byte, size)}}, func(revision uint64, err error) {
			outcomes <- outcome{revision, err}
		})
	}
	var last uint64
	for range n {
		o := <-outcomes
		if o.err != nil {
			t.Fatal(o.err)
		}
		last = max(last, o.revision)
	}
	return last
}

func TestAWatchOfManyKeysMissesNone(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{Memory: true})
	const n = 5000
	fill(t, b, "before", n, 1000)
	v := view(t, b)
	last := fill(t, b, "during", n, 1000)
	<-v.ready
	v.until(last)
	if len(v.seen) != 2*n {
		t.Errorf("%d keys were seen, want %d", len(v.seen), 2*n)
	}
}

func TestAWatchGoesOnAfterTheConnectionWasLost(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc := workerConn(t, server)
	watched := openBucket(t, nc, bus.BucketConfig{})
	other := openBucket(t, workerConn(t, server), bus.BucketConfig{})
	v := view(t, watched)
	<-v.ready
	v.until(fill(t, other, "a", 10, 10))
	for i := range 5 {
		if err := nc.ForceReconnect(); err != nil {
			t.Fatal(err)
		}
		v.until(fill(t, other, fmt.Sprintf("b%d.", i), 100, 10))
	}
	if len(v.seen) != 510 {
		t.Errorf("%d keys were seen, want 510", len(v.seen))
	}
}

func TestAWatchMakesALostConsumerAnew(t *testing.T) {
	t.Parallel()
	server := startServer(t, t.TempDir(), "")
	b := openBucket(t, workerConn(t, server), bus.BucketConfig{})
	v := view(t, b)
	<-v.ready
	v.until(mustCommit(t, b, bus.Write{Key: "a"}))
	nc := workerConn(t, server)
	for _, name := range consumers(t, nc) {
		if _, err := nc.Request("$JS.API.CONSUMER.DELETE.KV_natslock_locks."+name, nil, patience); err != nil {
			t.Fatal(err)
		}
	}
	v.until(mustCommit(t, b, bus.Write{Key: "b"}))
	if len(v.seen) != 2 {
		t.Errorf("saw %v", v.seen)
	}
}

// consumers lists the consumers of the stream.
func consumers(t *testing.T, nc *nats.Conn) []string {
	t.Helper()
	m, err := nc.Request("$JS.API.CONSUMER.NAMES.KV_natslock_locks", nil, patience)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Consumers []string }
	if err := json.Unmarshal(m.Data, &list); err != nil {
		t.Fatal(err)
	}
	return list.Consumers
}

func TestAnEndedWatchLeavesNoConsumer(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{})
	ctx, cancel := context.WithCancel(t.Context())
	mustCommit(t, b, bus.Write{Key: "a"})
	seen, ended := make(chan struct{}), make(chan error)
	go func() { ended <- b.Watch(ctx, func(bus.Entry) { close(seen) }, func() {}) }()
	<-seen
	if n := len(consumers(t, nc)); n != 1 {
		t.Errorf("there are %d consumers", n)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	// The server may answer other questions before it deletes.
	for begin := time.Now(); len(consumers(t, nc)) > 0; {
		if time.Since(begin) > patience {
			t.Fatal("a consumer is left")
		}
	}
}

func TestAWatchWithoutAStoreWaitsForIt(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{})
	js, err := nc.JetStream(nats.MaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream("KV_natslock_locks"); err != nil {
		t.Fatal(err)
	}
	v := view(t, b)
	again := openBucket(t, nc, bus.BucketConfig{FirstSeq: 100})
	revision := mustCommit(t, again, bus.Write{Key: "a"})
	<-v.ready
	v.until(revision)
}

func TestAWatchTellsThatTheStoreWasRemoved(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{})
	ended, ready := make(chan error, 1), make(chan struct{})
	go func() { ended <- b.Watch(t.Context(), func(bus.Entry) {}, func() { close(ready) }) }()
	waitFor(t, ready)
	js, err := nc.JetStream(nats.MaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream("KV_natslock_locks"); err != nil {
		t.Fatal(err)
	}
	if err := waitFor(t, ended); !errors.Is(err, bus.ErrGone) || !strings.Contains(err.Error(), "natslock_locks") {
		t.Errorf("error %v", err)
	}
}
