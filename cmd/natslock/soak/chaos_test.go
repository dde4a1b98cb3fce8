//go:build linux

package soak

import (
	"context"
	"math/rand/v2"
	"sync"
	"syscall"
	"testing"
	"time"
)

// chaos runs one natslock after another at one address, on one data directory,
// and ends them in every way.
type chaos struct {
	t    *testing.T
	addr string
	data string
	rand *rand.Rand
	long bool     // there is time for long pauses
	args []string // of the server, beside those that every one has

	now *process

	mu                    sync.Mutex
	kills, stops, freezes int
	slowest               time.Duration // from a start to ready
	well                  time.Duration // since when nothing has been done to it; forever while something is
}

// start starts the next natslock, in one of the sync modes.
func (c *chaos) start() error {
	path, err := build()
	if err != nil {
		return err
	}
	mode := *syncs
	if mode == "" {
		mode = []string{"always", "1s"}[c.rand.IntN(2)]
	}
	args := append([]string{"serve", "--data", c.data, "--nats", c.addr, "--sync", mode, "--log-level", "warn"}, c.args...)
	if c.now, err = spawn(path, args...); err != nil {
		return err
	}
	took, err := c.now.awaitReady()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.slowest = max(c.slowest, took)
	return err
}

// run makes trouble until ctx ends, and leaves a natslock that works.
func (c *chaos) run(ctx context.Context) error {
	for {
		pause(ctx, 500*time.Millisecond+time.Duration(c.rand.Int64N(int64(4*time.Second))))
		if ctx.Err() != nil {
			return nil
		}
		c.feels(forever)
		if err := c.strike(ctx); err != nil {
			return err
		}
		c.feels(now())
		if c.long && c.rand.IntN(10) == 0 {
			pause(ctx, 10*time.Second) // for what needs time without trouble to be over
		}
	}
}

func (c *chaos) feels(since time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.well = since
}

// wellSince is since when the server has had no trouble; forever while it has.
func (c *chaos) wellSince() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.well
}

// strike does one thing that a server may suffer.
func (c *chaos) strike(ctx context.Context) error {
	switch n := c.rand.IntN(10); {
	case n < 5:
		c.count(&c.kills)
		c.now.kill()
	case n < 7:
		c.count(&c.stops)
		if err := c.now.stop(); err != nil {
			return err
		}
	default:
		c.count(&c.freezes)
		c.now.signal(syscall.SIGSTOP)
		pause(ctx, c.freeze())
		if n < 9 {
			c.now.signal(syscall.SIGCONT)
			return nil
		}
		c.count(&c.kills)
		c.now.kill()
	}
	if c.rand.IntN(3) == 0 {
		pause(ctx, time.Duration(c.rand.Int64N(int64(2*time.Second))))
	}
	return c.start()
}

// freeze is how long a server stands still.
func (c *chaos) freeze() time.Duration {
	most := 2 * time.Second
	if c.long {
		most = 14 * time.Second
	}
	return time.Second + time.Duration(c.rand.Int64N(int64(most)))
}

func (c *chaos) count(n *int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// tally is what was done so far.
func (c *chaos) tally() (kills, stops, freezes int, slowest time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.kills, c.stops, c.freezes, c.slowest
}
