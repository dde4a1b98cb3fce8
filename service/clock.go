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
	return c.nowLocked(c.rawLocked())
}

func (c *serviceClock) nowLocked(raw time.Duration) time.Duration {
	if c.frozen {
		return c.frozenAt
	}
	return raw - c.lost
}

// rawLocked is the time since the start. Whoever looks first after a pause of
// the worker notices it: the ticks have stopped, though something is timed.
func (c *serviceClock) rawLocked() time.Duration {
	raw := time.Since(c.start)
	gap := raw - c.ticked
	if c.ticked == 0 || gap <= tickLate || c.frozen {
		return raw
	}
	// What came meanwhile waits in buffers and has not been seen.
	c.lost += gap
	c.answered += gap
	c.ticked = raw
	c.resumed = raw - c.lost
	return raw
}

// Resumed is the instant at which the clock last went on after a gap. A hold
// is given at least a third of its TTL from there.
func (c *serviceClock) Resumed() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.resumed
}

// Answered tells the clock that the store answers, and returns the instant.
func (c *serviceClock) Answered() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := c.rawLocked()
	c.answered = raw
	if c.frozen {
		c.frozen = false
		c.lost = raw - c.frozenAt
		c.resumed = c.frozenAt
	}
	return c.nowLocked(raw)
}

// moment is what a tick of the clock tells.
type moment struct {
	now    time.Duration
	judged time.Duration // deadlines may be judged up to here: the store has answered since
	silent time.Duration // how long the store has not answered
	away   bool          // so long that the clock stands
}

// Tick is called every tickEvery while anything is timed, and notices gaps.
func (c *serviceClock) Tick() moment {
	c.mu.Lock()
	defer c.mu.Unlock()
	raw := c.rawLocked()
	c.ticked = raw
	silent := raw - c.answered
	if silent > probeEvery+probeLate && !c.frozen {
		c.frozen = true
		c.frozenAt = c.answered - c.lost
	}
	now := c.nowLocked(raw)
	return moment{now: now, judged: min(now, c.answered-c.lost), silent: silent, away: c.frozen}
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
