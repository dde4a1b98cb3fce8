package bubbletest

import (
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"
)

// many is how many processors the tests of this package have outside of bubbles.
const many = 3

// inside is how many they have in a bubble.
func inside() int {
	if raceDetector {
		return 1
	}
	return many
}

func TestABubbleHasOneProcessorUnderTheRaceDetector(t *testing.T) {
	withMany(t)
	ran := false
	Run(t, func(t *testing.T) {
		ran = true
		wantProcessors(t, inside())
		begin := time.Now()
		time.Sleep(time.Hour)
		if passed := time.Since(begin); passed != time.Hour {
			t.Errorf("an hour of the bubble took %s", passed)
		}
	})
	if !ran {
		t.Error("the test did not run")
	}
	wantProcessors(t, many)
}

func TestTheProcessorsAreBackAfterATestThatIsSkipped(t *testing.T) {
	withMany(t)
	Run(t, func(t *testing.T) { t.SkipNow() })
	wantProcessors(t, many)
}

// TestTheProcessorsAreBackAfterAFailure fails in a process of its own.
func TestTheProcessorsAreBackAfterAFailure(t *testing.T) {
	const own, found = "BUBBLETEST_FAIL", "the processors are back"
	if os.Getenv(own) != "" {
		runtime.GOMAXPROCS(many)
		defer func() { // Run does not return
			if runtime.GOMAXPROCS(0) == many {
				t.Log(found)
			}
		}()
		Run(t, func(t *testing.T) { t.Fatal("as it is told to") })
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), own+"=1", "GORACE=atexit_sleep_ms=0")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "as it is told to") {
		t.Errorf("the test did not fail: %v\n%s", err, out)
	}
	if !strings.Contains(string(out), found) {
		t.Errorf("the processors are not back:\n%s", out)
	}
}

func TestTheLastOfSeveralBubblesGivesTheProcessorsBack(t *testing.T) {
	withMany(t)
	open, leave, gone := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(gone)
		Run(t, func(*testing.T) {
			close(open)
			<-leave
		})
	}()
	<-open
	Run(t, func(t *testing.T) {
		close(leave)
		<-gone
		wantProcessors(t, inside())
	})
	wantProcessors(t, many)
}

// withMany gives the test many processors.
func withMany(t *testing.T) {
	t.Helper()
	before := runtime.GOMAXPROCS(many)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

func wantProcessors(t *testing.T, want int) {
	t.Helper()
	if got := runtime.GOMAXPROCS(0); got != want {
		t.Errorf("%d processors, want %d", got, want)
	}
}
