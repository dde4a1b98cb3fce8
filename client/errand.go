package client

import (
	"context"
	"errors"

	"github.com/natslock/natslock/schema"
)

// maxErrands bounds what is kept to be sent later. Beyond it, what was given up
// is left to its TTL.
const maxErrands = 10_000

// errand is a request that nobody waits for: it cancels what was given up, or
// releases what was lost. It is repeated until it is acknowledged or of no use
// any more.
type errand struct {
	c        *Client
	place    slot
	request  request
	parties  []party // that it settles
	tell     func()  // what was lost, first; nil is nothing
	ends     instant // it is of no use after that
	failures int     // in a row
}

// errandLocked sends a request in the background.
func (c *Client) errandLocked(v schema.Verb, m schema.Message, all []party, ends instant) {
	c.admitLocked(&errand{c: c, request: c.request(v, m), parties: all, ends: ends})
}

// giveBackLocked releases what may be left of the hold of a lost lock.
func (c *Client) giveBackLocked(l *Lock) {
	locks := []*Lock{l}
	r := c.request(schema.VerbRelease, releaseOf(locks))
	tell := func() {
		c.options.Logger.Warn("lock lost: not renewed in time", "realm", c.options.Realm, "name", l.name, "token", l.token)
	}
	c.admitLocked(&errand{c: c, request: r, parties: partiesOf(locks), tell: tell, ends: c.now() + 2*l.ttl})
}

// admitLocked sends an errand, unless there are too many.
func (c *Client) admitLocked(e *errand) {
	if c.errands >= maxErrands {
		c.skipped++
		return
	}
	c.sendLocked(e)
}

func (c *Client) sendLocked(e *errand) {
	c.errands++
	c.unsettleLocked(e.parties)
	e.request.stop = c.stopped
	c.setLocked(e, c.now())
}

func (e *errand) when() *slot { return &e.place }

func (e *errand) dueLocked(instant) bool {
	e.c.setLocked(e, never)
	return true
}

func (e *errand) carry() {
	c := e.c
	if e.tell != nil {
		e.tell()
		e.tell = nil
	}
	now := c.now()
	if now >= e.ends {
		e.done(nil)
		return
	}
	r := e.request
	r.until = min(now+c.options.Timeout, e.ends)
	a, err := c.ask(context.Background(), &r)
	switch {
	case err == nil && a.Status != schema.StatusInternal && a.Status != schema.StatusLimit:
		e.done(nil)
	case errors.Is(err, ErrDenied), errors.Is(err, ErrInvalid), errors.Is(err, ErrClosed):
		e.done(err)
	default:
		c.mu.Lock()
		c.setLocked(e, c.now()+backoff(e.failures))
		c.mu.Unlock()
		e.failures++
	}
}

// done ends the errand.
func (e *errand) done(err error) {
	c := e.c
	c.mu.Lock()
	c.dropLocked(e)
	c.settleLocked(e.parties)
	c.errands--
	skipped := c.skipped
	c.skipped = 0
	c.note()
	c.mu.Unlock()
	if err != nil && !errors.Is(err, ErrClosed) {
		c.options.Logger.Warn("could not give back: left to its TTL", "subject", e.request.subject, "err", err)
	}
	if skipped > 0 {
		c.options.Logger.Warn("too much to give back: left to its TTL", "count", skipped)
	}
}
