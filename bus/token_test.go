package bus_test

import (
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
)

func TestFirstSeqGrowsWithTime(t *testing.T) {
	at := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
	first, err := bus.FirstSeq(at)
	if err != nil {
		t.Fatal(err)
	}
	if want := uint64(at.Sub(time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)).Seconds()) * 20_000; first != want {
		t.Errorf("first is %d, want %d", first, want)
	}
	later, err := bus.FirstSeq(at.Add(time.Second))
	if err != nil || later != first+20_000 {
		t.Errorf("a second later it is %d, %v", later, err)
	}
	later, err = bus.FirstSeq(at.Add(time.Millisecond))
	if err != nil || later != first+20 {
		t.Errorf("a millisecond later it is %d, %v", later, err)
	}
	local, err := bus.FirstSeq(at.In(time.FixedZone("x", 3600)))
	if err != nil || local != first {
		t.Errorf("in another zone it is %d, %v", local, err)
	}
}

func TestTokensFitIntoJavaScriptForFiftyYears(t *testing.T) {
	first, err := bus.FirstSeq(time.Date(2076, 1, 1, 0, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	if token := first*256 + 255; token >= 1<<53 {
		t.Errorf("the token %d does not fit", token)
	}
}

func TestAClockThatIsCertainlyWrongIsRefused(t *testing.T) {
	for _, now := range []time.Time{{}, time.Unix(0, 0), time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 10, 31, 23, 59, 59, 0, time.UTC), time.Date(2077, 1, 1, 0, 0, 1, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if first, err := bus.FirstSeq(now); err == nil || !strings.Contains(err.Error(), "the clock says "+now.UTC().Format(time.RFC3339)) {
			t.Errorf("at %s: %d, %v", now, first, err)
		}
	}
}

func TestRevisionsGrowThoughTheDataIsLost(t *testing.T) {
	now := time.Now()
	var last uint64
	for i := range 2 {
		server := startServer(t, t.TempDir(), "")
		first, err := bus.FirstSeq(now.Add(time.Duration(i) * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		b := openBucket(t, workerConn(t, server), bus.BucketConfig{FirstSeq: first})
		revision := mustCommit(t, b, bus.Write{Key: "a", Value: []byte("x")})
		if revision != first {
			t.Errorf("the first revision is %d, want %d", revision, first)
		}
		if revision <= last {
			t.Errorf("revision %d after %d", revision, last)
		}
		last = mustCommit(t, b, bus.Write{Key: "b"}, bus.Write{Key: "c"})
	}
}
