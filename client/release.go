package client

import (
	"context"
	"slices"
	"time"

	"github.com/natslock/natslock/schema"
)

// release ends locks, and releases them with one request.
func (c *Client) release(ctx context.Context, locks []*Lock) error {
	ctx, cancel := c.outlive(ctx, locks)
	defer cancel()
	left, err := c.beginRelease(locks)
	if len(left) == 0 {
		return err
	}
	defer c.settleRelease(left)
	a, failure := c.call(ctx, c.options.Realm, schema.VerbRelease, releaseOf(left))
	if failure == nil && !a.Status.OK() && a.Status != schema.StatusNotHeld {
		failure = refused(a.Reply)
	}
	if failure != nil {
		c.releaseLater(left)
		return failure
	}
	if lost := c.endRelease(left, a); lost != nil {
		return lost
	}
	return err
}

// beginRelease ends the locks that are held. It returns those to be released,
// and the error of one that has ended otherwise.
func (c *Client) beginRelease(locks []*Lock) (left []*Lock, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, l := range locks {
		l.expireLocked()
		l.endLocked(ErrReleased)
		switch {
		case l.cause != ErrReleased:
			err = lostError(l.cause)
		case !l.released:
			left = append(left, l)
			l.releases++
		}
	}
	c.unsettleLocked(partiesOf(left))
	return left, err
}

func (c *Client) settleRelease(locks []*Lock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.settleLocked(partiesOf(locks))
}

// endRelease takes in the acknowledgement. The error is that of a lock that had
// been lost; but once a release was sent twice, the other may be what ended it.
func (c *Client) endRelease(locks []*Lock, a answer) (err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, l := range locks {
		l.released = true
		status := a.Status
		if len(locks) > 1 && i < len(a.Locks) {
			status = a.Locks[i].Status
		}
		if status == schema.StatusNotHeld && a.sends == 1 && l.releases == 1 {
			err = lostError(lostBy(l.goneLocked()))
		}
	}
	return err
}

// releaseLater has the release go on in the background, unless it does so.
func (c *Client) releaseLater(locks []*Lock) {
	c.mu.Lock()
	defer c.mu.Unlock()
	again := true
	for _, l := range locks {
		again = again && l.releasing
		l.releasing = true
	}
	if !again {
		c.errandLocked(schema.VerbRelease, releaseOf(locks), partiesOf(locks), c.now()+longest(locks))
	}
}

// releaseOf is the message that releases locks, by their tokens: it ends no
// other hold however late it arrives. Of what is held by the session, only that one's
// part ends, as other Clients may have acquired it by the same owner.
func releaseOf(locks []*Lock) *schema.Release {
	m := &schema.Release{Client: locks[0].c.name}
	p := locks[0].presence.Load()
	if p != nil && !slices.ContainsFunc(locks, func(l *Lock) bool { return l.presence.Load() != p }) {
		m.Session = p.id
	}
	if len(locks) == 1 {
		m.Name, m.Token, m.Forget = locks[0].name, locks[0].token, locks[0].sole
		return m
	}
	for _, l := range locks {
		m.Locks = append(m.Locks, schema.LockToken{Name: l.name, Token: l.token})
	}
	return m
}

// longest is the longest TTL: after that, nothing is left to release. What is held
// by the session is as long as that.
func longest(locks []*Lock) (ttl time.Duration) {
	for _, l := range locks {
		if l.ttl == 0 {
			return schema.MaxTTL * time.Millisecond
		}
		ttl = max(ttl, l.ttl)
	}
	return ttl
}
