// Package bubbletest runs tests in bubbles of testing/synctest, so that the race
// detector survives them. It stands in for synctest.Test until Go has mended
// https://go.dev/issue/78156; the linter lets nothing else call that.
package bubbletest

import (
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
)

// Run is synctest.Test. With the race detector, the process has one processor
// until the bubble is gone.
//
// A bubble has one context of the race detector for all its timers, where the
// rest of the runtime has one for each processor. Goroutines that select on the
// channels of timers run them where they are, so two processors come to write to
// that one context: the detector dies of it, now and then, with a failed CHECK, a
// SIGSEGV, or exit status 66 and not a word. Races are still found: for the
// detector it counts what is ordered, not what happens at once.
func Run(t *testing.T, test func(*testing.T)) {
	t.Helper()
	if raceDetector {
		processors.narrow()
		defer processors.restore() // when the test ends by Goexit, too
	}
	synctest.Test(t, test) //nolint:forbidigo // what the rule leads to
}

// processors are those of the process.
var processors width

// width is how many processors the process has, beside bubbles. Bubbles of
// parallel tests are open at the same time: the last gives the processors back.
type width struct {
	mu      sync.Mutex
	bubbles int // that are open
	before  int // the first of them
}

func (w *width) narrow() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.bubbles == 0 {
		w.before = runtime.GOMAXPROCS(1)
	}
	w.bubbles++
}

func (w *width) restore() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.bubbles--
	if w.bubbles == 0 {
		runtime.GOMAXPROCS(w.before)
	}
}
