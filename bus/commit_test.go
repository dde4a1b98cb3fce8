package bus_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
)

type outcome struct {
	revision uint64
	err      error
}

// commit waits for the outcome.
func commit(t testing.TB, s bus.Store, writes ...bus.Write) outcome {
	t.Helper()
	done := make(chan outcome, 1)
	s.Commit(writes, func(revision uint64, err error) { done <- outcome{revision, err} })
	return waitFor(t, done)
}

func mustCommit(t testing.TB, s bus.Store, writes ...bus.Write) uint64 {
	t.Helper()
	o := commit(t, s, writes...)
	if o.err != nil {
		t.Fatalf("commit: %v", o.err)
	}
	return o.revision
}

// silence stands between the store and its acknowledgements: a stream that
// takes no part is not there, but somebody listens.
func silence(t *testing.T, nc *nats.Conn) {
	t.Helper()
	sub, err := nc.SubscribeSync("$KV.natslock_locks.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		t.Fatal(err)
	}
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream("KV_natslock_locks"); err != nil {
		t.Fatal(err)
	}
}

func TestACommitWithoutAcknowledgementIsUnknown(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{Timeout: 50 * time.Millisecond})
	silence(t, nc)
	begin := time.Now()
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Add(1)
		b.Commit([]bus.Write{{Key: fmt.Sprint(i)}}, func(_ uint64, err error) {
			defer wg.Done()
			if !errors.Is(err, bus.ErrUnknown) {
				t.Errorf("error %v", err)
			}
		})
	}
	wg.Wait()
	if took := time.Since(begin); took < 50*time.Millisecond {
		t.Errorf("it took only %s", took)
	}
	if o := commit(t, b, bus.Write{Key: "a"}); !errors.Is(o.err, bus.ErrUnknown) {
		t.Errorf("error %v", o.err)
	}
}

func TestAStoreThatIsGoneIsUnavailable(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{})
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if err := js.DeleteStream("KV_natslock_locks"); err != nil {
		t.Fatal(err)
	}
	for _, writes := range [][]bus.Write{{{Key: "a"}}, {{Key: "a"}, {Key: "b"}}} {
		if o := commit(t, b, writes...); !errors.Is(o.err, bus.ErrUnavailable) {
			t.Errorf("commit of %d: error %v", len(writes), o.err)
		}
	}
	if _, err := b.Load(t.Context(), "a"); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("load: error %v", err)
	}
}

func TestALostConnectionMakesOutcomesUnknown(t *testing.T) {
	dir := t.TempDir()
	server, err := embedded.Start(t.Context(), embedded.Config{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	nc := workerConn(t, server)
	b := openBucket(t, nc, bus.BucketConfig{Timeout: time.Hour})
	silence(t, nc)
	errs := make(chan error, 3)
	for i := range 2 {
		b.Commit([]bus.Write{{Key: fmt.Sprint(i)}}, func(_ uint64, err error) { errs <- err })
	}
	b.Commit([]bus.Write{{Key: "x"}, {Key: "y"}}, func(_ uint64, err error) { errs <- err })
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	lost := nc.StatusChanged(nats.RECONNECTING)
	if err := server.Shutdown(); err != nil {
		t.Fatal(err)
	}
	<-lost
	for range 3 {
		if err := <-errs; !errors.Is(err, bus.ErrUnknown) {
			t.Errorf("error %v", err)
		}
	}
	if o := commit(t, b, bus.Write{Key: "z"}); !errors.Is(o.err, bus.ErrUnavailable) {
		t.Errorf("without a connection: error %v", o.err)
	}
	if _, err := b.Load(t.Context(), "z"); !errors.Is(err, bus.ErrUnavailable) {
		t.Errorf("load without a connection: error %v", err)
	}
}

func TestACloseMakesOutcomesUnknown(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{Timeout: time.Hour})
	silence(t, nc)
	var got error
	b.Commit([]bus.Write{{Key: "a"}}, func(_ uint64, err error) { got = err })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(got, bus.ErrUnknown) {
		t.Errorf("error %v", got)
	}
	o := commit(t, b, bus.Write{Key: "a"})
	if !errors.Is(o.err, bus.ErrUnavailable) {
		t.Errorf("after Close: error %v", o.err)
	}
}

func TestAnUnavailableCommitIsNotStoredLater(t *testing.T) {
	const addr = "127.0.0.1:0"
	dir := t.TempDir()
	server, err := embedded.Start(t.Context(), embedded.Config{DataDir: dir, Addr: addr})
	if err != nil {
		t.Fatal(err)
	}
	nc := workerConn(t, server)
	b := openBucket(t, nc, bus.BucketConfig{})
	lost := nc.StatusChanged(nats.RECONNECTING)
	if err := server.Shutdown(); err != nil {
		t.Fatal(err)
	}
	<-lost
	// What is on its way when the bucket hears of the loss is unknown: ask until it has.
	o := commit(t, b, bus.Write{Key: "a"})
	for errors.Is(o.err, bus.ErrUnknown) {
		o = commit(t, b, bus.Write{Key: "a"})
	}
	if !errors.Is(o.err, bus.ErrUnavailable) {
		t.Errorf("error %v", o.err)
	}
	other := openBucket(t, workerConn(t, startServer(t, dir, "")), bus.BucketConfig{})
	if e, err := other.Load(t.Context(), "a"); err != nil || e.Revision != 0 {
		t.Errorf("loaded %+v, %v", e, err)
	}
}

func TestOtherClientsDeletionsHaveARevisionAndNoValue(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	b := openBucket(t, nc, bus.BucketConfig{})
	mustCommit(t, b, bus.Write{Key: "a", Value: []byte("x")})
	js, err := nc.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue("natslock_locks")
	if err != nil {
		t.Fatal(err)
	}
	if e, err := kv.Get("a"); err != nil || string(e.Value()) != "x" {
		t.Errorf("another client reads %v, %v", e, err)
	}
	if err := kv.Delete("a"); err != nil {
		t.Fatal(err)
	}
	e, err := b.Load(t.Context(), "a")
	if err != nil || e.Revision == 0 || e.Value != nil {
		t.Errorf("loaded %+v, %v", e, err)
	}
	mustCommit(t, b, bus.Write{Key: "a", Value: []byte("y"), Expected: e.Revision})
}
