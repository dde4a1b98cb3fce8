package bus_test

import (
	"testing"

	"github.com/natslock/natslock/bus"
)

func TestDeparturesTellsOfClosedConnections(t *testing.T) {
	s := startServer(t, t.TempDir(), "")
	system, err := s.SystemConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(system.Close)
	type departure struct {
		server string
		cid    uint64
	}
	seen := make(chan departure, 16)
	stop, err := bus.Departures(system, "NATSLOCK", func(server string, cid uint64) { seen <- departure{server, cid} })
	if err != nil {
		t.Fatal(err)
	}
	caller, err := s.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	cid, err := caller.GetClientID()
	if err != nil {
		t.Fatal(err)
	}
	want := departure{caller.ConnectedServerId(), cid}
	caller.Close()
	if got := waitFor(t, seen); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

// A server in memory begins with the same revisions at each start, but for forward.
func TestABucketInMemoryGoesOnAfterARestart(t *testing.T) {
	dir := t.TempDir()
	var last uint64
	for i := range uint64(3) {
		s := startServer(t, dir, "")
		nc := workerConn(t, s)
		b := openBucket(t, nc, bus.BucketConfig{Memory: true, FirstSeq: 5000 + 1000*i})
		for range 3 {
			revision := mustCommit(t, b, bus.Write{Key: "k" + string(rune('a'+last%26)), Value: []byte("x")})
			if revision <= last || revision < 5000+1000*i {
				t.Errorf("start %d: revision %d after %d", i, revision, last)
			}
			last = revision
		}
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		nc.Close()
		if err := s.Shutdown(); err != nil {
			t.Error(err)
		}
	}
}
