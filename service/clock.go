package service

import (
	"sync"
	"time"
)

// How the service clock judges silence.
const (
	tickEvery  = 250 * time.Millisecond // how often the clock is looked at while anything is timed
	tickLate   = 2 * time.Second        // a tick later than this: the worker was paused
	probeEvery = time.Second            // how often the store is asked
	probeLate  = 2 * time.Second        // an answer later than this: the store is away
)

// serviceClock is the worker's monotonic clock less the time during which
// nobody could have renewed anything: while the worker was paused or the store
// did not answer. Deadlines are instants of this clock, so that such time
// counts against no hold. It starts at zero.
type serviceClock struct {
	mu       sync.Mutex
	start    time.Time     // monotonic origin
	lost     time.Duration // time that did not count, so far
	frozen   bool          // the store is away: the clock stands
	frozenAt time.Duration // where it stands
	answered time.Duration // when the store last answered, not less lost
	ticked   time.Duration // when tick was last called, not less lost; 0 after idle
	resumed  time.Duration // the instant of this clock at which the last gap ended
}

func newServiceClock() *serviceClock {
	return &serviceClock{start: time.Now()}
}

// Now is the instant of the clock.
func (c *serviceClock) Now() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nowLocked(time.Since(c.start))
}

func (c *serviceClock) nowLocked(raw time.Duration) time.Duration {
	if c.frozen {
		return c.frozenAt
	}
	return raw - c.lost
}

// Resumed is the instant at which the clock last went on after a gap. A hold
// is given at least a third of its TTL from there.
func (c *serviceClock) Resumed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resumed
}

// Answered tells the clock that the store answers.
func (c *serviceClock) Answered() {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := time.Since(c.start)
	c.answered = raw
	if c.frozen {
		c.frozen = false
		c.lost = raw - c.frozenAt
		c.resumed = c.frozenAt
	}
}

// Tick is called every tickEvery while anything is timed, and notices gaps. It
// returns the instant, whether deadlines may be judged now, and whether the
// store is to be asked for a sign of life.
func (c *serviceClock) Tick() (now time.Duration, judge, probe bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := time.Since(c.start)
	if c.ticked != 0 && raw-c.ticked > tickLate && !c.frozen {
		// Paused: what came meanwhile waits in buffers and has not been seen.
		c.lost += raw - c.ticked
		c.resumed = raw - c.lost
		c.answered = raw
	}
	c.ticked = raw
	silent := raw - c.answered
	if silent > probeEvery+probeLate && !c.frozen {
		c.frozen = true
		c.frozenAt = c.answered - c.lost
	}
	return c.nowLocked(raw), !c.frozen, silent >= probeEvery
}

// Idle tells the clock that nothing is timed: there will be no ticks until
// Wake, and that is no pause.
func (c *serviceClock) Idle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ticked = 0
}

// Wake ends Idle. The time while idle counts for nothing, and the store has
// its full time to answer.
func (c *serviceClock) Wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ticked == 0 && !c.frozen {
		c.answered = time.Since(c.start)
	}
}
