package client

import (
	"slices"

	"github.com/natslock/natslock/schema"
)

// hold tells one hold from all others.
type hold struct {
	name  string
	token uint64
}

// The locks that are held are found by their name; several holds of one name,
// which are shared, are a list.

// findLocked returns the lock that is a hold, or nil.
func (c *Client) findLocked(h hold) *Lock {
	for l := c.locks[h.name]; l != nil; l = l.next {
		if l.token == h.token {
			return l
		}
	}
	return nil
}

// adoptLocked returns the lock that is a hold, and makes it if it is not known.
func (c *Client) adoptLocked(h hold, owner string) *Lock {
	if l := c.findLocked(h); l != nil {
		l.turn++
		l.shortest = 0
		return l
	}
	l := &Lock{c: c, name: h.name, token: h.token, owner: owner, noRenew: true, next: c.locks[h.name]}
	c.locks[h.name] = l
	return l
}

// forgetLocked takes a lock out of those that are held.
func (c *Client) forgetLocked(l *Lock) {
	first := c.locks[l.name]
	if first == l {
		if l.next == nil {
			delete(c.locks, l.name)
		} else {
			c.locks[l.name] = l.next
		}
		return
	}
	for at := first; at != nil; at = at.next {
		if at.next == l {
			at.next = l.next
			return
		}
	}
}

// releaseAllLocked ends all locks, because the Client is closed, and releases
// them in the background, as many in one request as it may name. No request
// names a lock twice.
func (c *Client) releaseAllLocked() {
	for len(c.locks) > 0 {
		var batch []*Lock
		for _, l := range c.locks {
			l.expireLocked()
			if l.endLocked(ErrClosed); l.cause == ErrClosed && !l.noRenew {
				batch = append(batch, l)
			}
		}
		for locks := range slices.Chunk(batch, schema.MaxNames) {
			c.errandLocked(schema.VerbRelease, releaseOf(locks), partiesOf(locks), c.now()+longest(locks))
		}
	}
}
