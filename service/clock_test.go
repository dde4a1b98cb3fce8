package service

import (
	"testing"
	"time"

	"github.com/natslock/natslock/internal/bubbletest"
)

// clockTest is a service clock in a bubble, ticked as tick does.
type clockTest struct {
	*testing.T
	*serviceClock
	last moment
}

func withClock(t *testing.T, test func(c *clockTest)) {
	t.Helper()
	bubbletest.Run(t, func(t *testing.T) {
		test(&clockTest{T: t, serviceClock: newServiceClock()})
	})
}

// run ticks for a while; the store answers or not.
func (c *clockTest) run(d time.Duration, answers bool) {
	for range d / tickEvery {
		time.Sleep(tickEvery)
		if answers {
			c.Answered()
		}
		c.last = c.Tick()
	}
}

// within fails the test unless got is at most a little more or less than want.
func (c *clockTest) within(what string, got, want, little time.Duration) {
	c.Helper()
	if got < want-little || got > want+little {
		c.Errorf("%s is %s, want %s", what, got, want)
	}
}

func TestClockGoesWhileTheStoreAnswers(t *testing.T) {
	withClock(t, func(c *clockTest) {
		c.run(time.Hour, true)
		c.within("now", c.Now(), time.Hour, 0)
		c.within("judged", c.last.judged, time.Hour, 0)
		c.within("resumed", c.Resumed(), 0, 0)
	})
}

func TestClockJudgesNothingThatTheStoreHasNotAnsweredSince(t *testing.T) {
	withClock(t, func(c *clockTest) {
		c.run(10*time.Second, true)
		c.run(2*time.Second, false)
		c.within("now", c.last.now, 12*time.Second, 0)
		c.within("judged", c.last.judged, 10*time.Second, 0)
		c.within("silent", c.last.silent, 2*time.Second, 0)
		c.Answered()
		c.within("judged", c.Tick().judged, 12*time.Second, 0)
	})
}

func TestClockStandsWhileTheStoreIsAway(t *testing.T) {
	withClock(t, func(c *clockTest) {
		c.run(10*time.Second, true)
		for range 3 {
			before := c.Now()
			c.run(time.Minute, false)
			if !c.last.away {
				t.Fatal("not away after a minute")
			}
			c.within("now", c.Now(), before, 0)
			c.within("judged", c.last.judged, before, 0)
			c.run(10*time.Second, true)
			c.within("now", c.Now(), before+10*time.Second, tickEvery)
			c.within("resumed", c.Resumed(), before, 0)
		}
	})
}

func TestClockStandsWhileTheWorkerIsPaused(t *testing.T) {
	for name, first := range map[string]func(c *clockTest){
		"a tick":    func(c *clockTest) { c.Tick() },
		"an answer": func(c *clockTest) { c.Answered() },
		"a look":    func(c *clockTest) { c.Now() },
	} {
		t.Run(name+" comes first", func(t *testing.T) {
			withClock(t, func(c *clockTest) {
				c.run(10*time.Second, true)
				time.Sleep(15 * time.Second)
				first(c)
				c.within("now", c.Now(), 10*time.Second, 0)
				c.within("resumed", c.Resumed(), 10*time.Second, 0)
				c.within("judged", c.Tick().judged, 10*time.Second, 0)
				c.run(10*time.Second, true)
				c.within("now", c.Now(), 20*time.Second, 0)
			})
		})
	}
}

func TestAPauseIsNoSilenceOfTheStore(t *testing.T) {
	withClock(t, func(c *clockTest) {
		c.run(10*time.Second, true)
		time.Sleep(time.Minute)
		if m := c.Tick(); m.away || m.silent != 0 {
			t.Errorf("%+v after a pause", m)
		}
	})
}

func TestAPauseWhileTheStoreIsAwayCountsOnce(t *testing.T) {
	withClock(t, func(c *clockTest) {
		c.run(10*time.Second, true)
		c.run(10*time.Second, false)
		time.Sleep(time.Minute)
		c.run(10*time.Second, false)
		c.within("now", c.Now(), 10*time.Second, 0)
		c.run(10*time.Second, true)
		c.within("now", c.Now(), 20*time.Second, tickEvery)
	})
}

func TestIdleTimeIsNoGap(t *testing.T) {
	withClock(t, func(c *clockTest) {
		c.run(10*time.Second, true)
		c.Idle()
		time.Sleep(time.Hour)
		c.Wake()
		c.last = c.Tick()
		if c.last.away {
			t.Error("away after idling")
		}
		c.within("now", c.Now(), time.Hour+10*time.Second, 0)
		c.run(time.Minute, true)
		c.within("resumed", c.Resumed(), 0, 0)
	})
}
