package client

import (
	"context"
	"testing"
	"time"

	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/schema"
)

// A keepalive that was sent before the connection was lost, and is acknowledged
// after that, does not end the grace.
func TestOnlyAnotherConnectionEndsTheGrace(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		c := unkept(t)
		c.mu.Lock()
		defer c.mu.Unlock()
		const ttl = 10 * time.Second
		p := c.presenceLocked()
		p.aliveLocked(c.now(), ttl, 0)
		time.Sleep(3 * time.Second)
		cut := c.now()
		p.cutLocked(cut)
		want := trustedUntil(cut, c.grace)
		p.aliveLocked(cut, ttl, 0)
		if got := instant(p.until.Load()); got != want {
			t.Errorf("trusted until %s, want %s", got, want)
		}
		p.cutLocked(cut + time.Second)
		p.aliveLocked(cut, ttl, 1)
		if got := instant(p.until.Load()); got != want {
			t.Errorf("after another loss: trusted until %s, want %s", got, want)
		}
		p.aliveLocked(cut, ttl, 2)
		if got := instant(p.until.Load()); got != trustedUntil(cut, ttl) {
			t.Errorf("on another connection: trusted until %s, want %s", got, trustedUntil(cut, ttl))
		}
	})
}

func TestAnEarlierKeepaliveDoesNotShortenTheWindow(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		c := unkept(t)
		c.mu.Lock()
		defer c.mu.Unlock()
		p := c.presenceLocked()
		p.aliveLocked(c.now(), 10*time.Second, 0)
		time.Sleep(3 * time.Second)
		p.aliveLocked(c.now(), 10*time.Second, 0)
		want := p.until.Load()
		p.aliveLocked(c.now()-time.Second, 10*time.Second, 0)
		if got := p.until.Load(); got != want {
			t.Errorf("trusted until %s, want %s", instant(got), instant(want))
		}
	})
}

// The session is over by the clock when a grant for it is taken in, though nothing
// has noticed that before.
func TestGrantIsNotBelievedWhenItsSessionIsOver(t *testing.T) {
	for wait, believed := range map[time.Duration]bool{9 * time.Second: true, 10 * time.Second: false} {
		bubbletest.Run(t, func(t *testing.T) {
			c := unkept(t)
			c.mu.Lock()
			p := c.presenceLocked()
			p.aliveLocked(c.now(), 10*time.Second, 0)
			c.mu.Unlock()
			q := acquisition{c: c, names: []string{"a"}, presence: p, until: never}
			time.Sleep(wait)
			reply := &schema.Reply{Status: schema.StatusGranted, Name: "a", Token: 1, Owner: "o"}
			locks, err := q.granted(answer{Reply: reply, sent: c.now(), sends: 1}, "r")
			if err != nil || (len(locks) == 1) != believed {
				t.Errorf("after %s: %d locks, %v", wait, len(locks), err)
			}
			if m := q.message(context.Background()); m.Session != p.id || m.TTL != nil {
				t.Errorf("%+v", m)
			}
		})
	}
}
