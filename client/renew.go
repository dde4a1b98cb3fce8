package client

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/natslock/natslock/schema"
)

// Renew restarts the lock's TTL, with another one from now on unless ttl is 0.
// Locks are renewed in the background without it, but for those with NoRenew.
// A hold without a TTL gets one by it, beside the session by which it lives; with
// ttl 0 the service is only asked whether it is there.
// When the hold is gone, the lock is lost: ErrLost and ErrNotHeld.
func (l *Lock) Renew(ctx context.Context, ttl time.Duration) error {
	m := &schema.Renew{Name: l.name, Token: l.token, Client: l.c.name}
	if ttl != 0 {
		ms, err := ttlMillis(ttl)
		if err != nil {
			return fmt.Errorf("renew %q: %w", l.name, err)
		}
		m.TTL = &ms
	}
	if err := l.renew(ctx, m, ttl); err != nil {
		return fmt.Errorf("renew %q: %w", l.name, err)
	}
	return nil
}

func (l *Lock) renew(ctx context.Context, m *schema.Renew, ttl time.Duration) error {
	c := l.c
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	if err := l.beginRenew(ttl); err != nil {
		return lostError(err)
	}
	a, err := c.call(ctx, c.options.Realm, schema.VerbRenew, m)
	c.mu.Lock()
	defer c.mu.Unlock()
	l.turn++
	if err != nil {
		return err
	}
	l.shortest = 0
	switch {
	case l.cause != nil:
		return lostError(l.cause)
	case a.Status == schema.StatusRenewed:
		l.trustLocked(a.sent, replyTTL(a.Reply, l.ttl))
		return nil
	case a.Status == schema.StatusNotHeld:
		l.endLocked(lostBy(l.goneLocked()))
		return lostError(l.cause)
	}
	return refused(a.Reply)
}

// beginRenew prepares for another TTL, or for the same again.
func (l *Lock) beginRenew(ttl time.Duration) error {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.expireLocked()
	if l.cause != nil {
		return l.cause
	}
	l.changeLocked(cmp.Or(ttl, l.ttl))
	return nil
}

func (l *Lock) when() *slot { return &l.place }

// dueLocked ends the lock when it can no longer be trusted, and has it renewed
// before that.
func (l *Lock) dueLocked(now instant) bool {
	until := instant(l.until.Load())
	if now >= until {
		l.expireLocked()
		return false
	}
	l.c.setLocked(l, until)
	if l.noRenew || l.renewing {
		return false
	}
	l.renewing = true
	return true
}

// carry renews the lock in the background, or if it has no TTL, asks whether it is
// there: one try.
func (l *Lock) carry() {
	c := l.c
	c.mu.Lock()
	turn, ttl, ended := l.turn, l.ttl, l.cause != nil
	c.mu.Unlock()
	if ended {
		return
	}
	r := c.request(schema.VerbRenew, &schema.Renew{Name: l.name, Token: l.token, Client: c.name})
	r.stop = c.stopped
	bound := c.options.Timeout
	if ttl > 0 {
		bound = min(bound, ttl/4)
	}
	r.until = c.now() + bound
	a, err := c.ask(context.Background(), &r)

	c.mu.Lock()
	lost := l.renewedLocked(a, err, turn)
	c.mu.Unlock()
	if lost {
		c.options.Logger.Warn("lock lost: its hold was ended", "realm", c.options.Realm, "name", l.name, "token", l.token)
	}
}

// renewedLocked takes in what came of a renewal in the background, and tells
// whether the lock was lost by it.
func (l *Lock) renewedLocked(a answer, err error, turn uint64) (lost bool) {
	l.renewing = false
	switch {
	case l.cause != nil:
		return false // whatever was renewed is being released
	case err == nil && a.Status == schema.StatusNotHeld:
		l.endLocked(lostBy(l.goneLocked()))
		return true
	case err == nil && a.Status == schema.StatusRenewed && l.turn == turn:
		l.trustLocked(a.sent, replyTTL(a.Reply, l.ttl))
		return false
	}
	if l.trouble = err; err == nil {
		l.trouble = refused(a.Reply)
	}
	l.c.setLocked(l, min(l.place.at, l.c.now()+backoff(l.failures)))
	l.failures++
	return false
}
