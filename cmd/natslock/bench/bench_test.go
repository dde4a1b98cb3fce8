package bench

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"
)

func TestQuantileIsASample(t *testing.T) {
	var hundred samples
	for i := 100; i > 0; i-- {
		hundred = append(hundred, time.Duration(i))
	}
	hundred.sort()
	for _, c := range []struct {
		s    samples
		q    float64
		want time.Duration
	}{{hundred, 0.5, 51}, {hundred, 0.99, 100}, {hundred, 0, 1}, {hundred, 1, 100}, {samples{7}, 0.99, 7}, {nil, 0.5, 0}} {
		if got := c.s.quantile(c.q); got != c.want {
			t.Errorf("quantile %v of %d samples: %d, want %d", c.q, len(c.s), got, c.want)
		}
	}
}

func TestGrantsThatOvertakeAreCounted(t *testing.T) {
	inOrder := []grant{{number: 3, token: 30}, {number: 1, token: 10}, {number: 2, token: 20}}
	if n := outOfOrder(inOrder); n != 0 {
		t.Errorf("%d of grants in order", n)
	}
	overtaken := []grant{{number: 1, token: 40}, {number: 2, token: 20}, {number: 3, token: 30}, {number: 4, token: 50}}
	if n := outOfOrder(overtaken); n != 2 {
		t.Errorf("%d, want 2", n)
	}
}

func TestOnlyWhatHappensInTheSliceCounts(t *testing.T) {
	begin := time.Now()
	end := begin.Add(time.Second)
	s := slice{length: time.Second}
	at := func(d time.Duration) grant { return grant{at: begin.Add(d), took: time.Millisecond} }
	got := s.count([][]grant{{at(-1), at(0), at(time.Second - 1)}, {at(time.Second), at(2 * time.Second)}}, 1, begin, end)
	if got.pairs != 2 || len(got.samples) != 2 || got.length != time.Second {
		t.Errorf("%+v", got)
	}
}

func TestPointHasTheRatios(t *testing.T) {
	lock := tally{length: time.Second, pairs: 50, samples: samples{30, 20, 10}}
	echo := tally{length: time.Second, pairs: 200, samples: samples{5, 10, 8}}
	p := newPoint(4, &lock, &echo)
	if p.Ratio() != 0.25 || p.P50Ratio() != 2.5 || p.PerSecond != 50 || p.P99 != 30 {
		t.Errorf("%+v", p)
	}
	if alone := newPoint(4, &lock, nil); alone.Ratio() != 0 || alone.P50Ratio() != 0 {
		t.Errorf("%+v", alone)
	}
}

func TestFsyncIsMeasuredOnTheDirectorysDisk(t *testing.T) {
	dir := t.TempDir()
	if d, err := Fsync(dir); err != nil || d <= 0 {
		t.Errorf("%v, %v", d, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if _, err := Fsync("/nonexistent"); err == nil {
		t.Error("measured where nothing is")
	}
}

func TestServerThatDoesNotStartSaysWhy(t *testing.T) {
	for script, want := range map[string]string{
		"echo natslock: serve: no luck >&2; exit 1": "it ended: natslock: serve: no luck",
		"exit 0": "it ended",
	} {
		_, err := StartServer(t.Context(), []string{"sh", "-c", script, "sh"}, t.TempDir(), "1s")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", script, err)
		}
	}
	if _, err := StartServer(t.Context(), []string{"/nonexistent"}, t.TempDir(), "1s"); err == nil {
		t.Error("started what is not there")
	}
}

func TestServerThatIsGivenUpIsKilled(t *testing.T) {
	ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Millisecond, errStuck)
	defer cancel()
	_, err := StartServer(ctx, []string{"sh", "-c", "exec sleep 60", "sh"}, t.TempDir(), "1s")
	if !errors.Is(err, errStuck) {
		t.Error(err)
	}
}

func TestServersEnvironmentHasNoneOfOurFlags(t *testing.T) {
	t.Setenv("NATSLOCK_NATS", "0.0.0.0:4222")
	for _, e := range environment() {
		if strings.HasPrefix(e, "NATSLOCK_") {
			t.Error(e)
		}
	}
}

func TestKeepalivesAreSpreadEvenly(t *testing.T) {
	for _, c := range []struct {
		after time.Duration
		want  int
	}{{0, 0}, {time.Second, 100}, {1500 * time.Millisecond, 150}, {10 * time.Second, 1000}} {
		if got := pulses(c.after, 2*time.Second, 200); got != c.want {
			t.Errorf("%d after %s, want %d", got, c.after, c.want)
		}
	}
}

func TestCPUIsThatOfAProcess(t *testing.T) {
	before, err := CPU(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for { // until time is told: there is nothing to wait for but work
		now, err := CPU(os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		if now > before {
			return
		}
	}
}

func TestCrowdThatEndsSaysWhy(t *testing.T) {
	m, err := startMembers([]string{"sh", "-c", "echo no luck >&2; exit 1", "sh"}, "nats://nowhere")
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.order(t.Context(), doOpen, Crowd{})
	if err == nil || !strings.HasPrefix(err.Error(), "crowd: ") {
		t.Error(err)
	}
	if err := m.close(); err != nil {
		t.Error(err)
	}
}
