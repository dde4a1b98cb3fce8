package bus_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/natslock/natslock/bus"
)

// A watch that rests misses nothing that others write, however busy its own
// bucket is.
func TestRestingWatchSeesWhatOthersWrite(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	own := openBucket(t, workerConn(t, server), bus.BucketConfig{Name: "locks", Memory: true})
	other := openBucket(t, workerConn(t, server), bus.BucketConfig{Name: "locks", Memory: true})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()

	var ownSeen, committed atomic.Int64
	ready, otherSeen := make(chan struct{}), make(chan struct{})
	running.Go(func() {
		err := own.Watch(ctx, func(e bus.Entry) {
			if e.Key == "other" {
				close(otherSeen)
			} else {
				ownSeen.Add(1)
			}
		}, func() { close(ready) })
		if err != nil {
			t.Error(err)
		}
	})
	<-ready
	rested := make(chan struct{})
	running.Go(func() { load(ctx, own, &committed, &ownSeen, rested) })
	waitFor(t, rested) // it rests under load
	written := make(chan error, 1)
	other.Commit([]bus.Write{{Key: "other", Value: []byte("y")}}, func(_ uint64, err error) { written <- err })
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	waitFor(t, otherSeen)
}

// load commits until ctx ends, and closes rested when far fewer commits came
// back through the watch than were made.
func load(ctx context.Context, b *bus.Bucket, committed, seen *atomic.Int64, rested chan struct{}) {
	const window = 64
	room := make(chan struct{}, window)
	told := false
	for i := 0; ctx.Err() == nil; i++ {
		room <- struct{}{}
		b.Commit([]bus.Write{{Key: fmt.Sprint("own", i), Value: []byte("x")}}, func(uint64, error) { <-room })
		if !told && committed.Add(1) > seen.Load()+10*restRateInTest {
			told = true
			close(rested)
		}
	}
	for range window {
		room <- struct{}{}
	}
}

const restRateInTest = 250
