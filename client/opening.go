package client

import (
	"context"
	"time"

	"github.com/natslock/natslock/schema"
)

// Presence returns a context for all locks that are held by the Client's session:
// it ends with the cause ErrLost when the session is lost, and all those with it, and
// with ErrClosed when the Client is closed. It is for programs that hold many and
// stop everything then. A single lock can be lost before that, when its hold is ended
// by others. If there is no session, it is opened; the first acquire after a loss
// opens the next, which has another context. Errors: those of an Acquire.
func (c *Client) Presence(ctx context.Context) (context.Context, error) {
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	p, err := c.present(ctx, &request{until: c.bound(ctx)})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.contextLocked(), nil
}

// contextLocked is the context of what is held by the presence.
func (p *presence) contextLocked() *heldContext {
	if p.context == nil {
		p.context = newHeldContext(context.Background(), p)
		if p.cause != nil {
			p.context.cancel(p.cause)
		}
	}
	return p.context
}

// present returns the presence when it is open, and opens one if there is none.
// The opening is given up like a request.
func (c *Client) present(ctx context.Context, r *request) (*presence, error) {
	timer := time.NewTimer(max(0, r.until-c.now()))
	defer timer.Stop()
	for {
		if ctx.Err() != nil {
			return nil, givenUp(ctx, r, nil)
		}
		p, err := c.wantPresence()
		if err != nil {
			return nil, err
		}
		select {
		case <-p.opened:
		case <-timer.C:
		case <-ctx.Done():
		case <-c.open.Done():
		}
		switch open, trouble, cause := p.unwant(); {
		case open && cause == nil:
			return p, nil
		case open: // lost meanwhile
		case c.open.Err() != nil:
			return nil, ErrClosed
		case cause != nil:
			return nil, cause
		default:
			return nil, givenUp(ctx, r, trouble)
		}
	}
}

// wantPresence returns the presence, which may not be open yet. It is followed by
// one unwant.
func (c *Client) wantPresence() (*presence, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return nil, ErrClosed
	}
	p := c.presenceLocked()
	p.wanted++
	return p, nil
}

// unwant returns how the presence stands. If it is not open yet, and nobody waits
// for that any more, it is given up.
func (p *presence) unwant() (open bool, trouble, cause error) {
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.wanted--
	open, trouble, cause = p.open, p.trouble, p.cause
	if !open && p.wanted == 0 {
		p.endLocked(ErrUnavailable)
	}
	return open, trouble, cause
}

// maxOrphans is how many attempts in a row may end with a presence that has been
// open for less than its TTL.
const maxOrphans = 3

// prepare waits for what must be before the next attempt: an open presence, if it is
// for one, and that no release or cancel of its parties is on its way.
func (q *acquisition) prepare(ctx context.Context) error {
	r := request{waits: q.terms.wait != 0, until: q.until}
	if !r.waits {
		r.until = q.c.bound(ctx)
	}
	if q.terms.ttl == 0 {
		p, err := q.c.present(ctx, &r)
		if err != nil {
			return err
		}
		if last := q.presence; last != nil && last != p {
			if q.orphans++; q.c.now()-q.began >= q.c.options.SessionTTL {
				q.orphans = 1
			}
			if q.orphans > maxOrphans {
				return &Error{Status: schema.StatusSessionExpired, Message: "one session after the other is ended"}
			}
		}
		q.presence, q.began = p, q.c.now()
	}
	return q.settle(ctx, &r)
}

// presentLocked tells whether a grant for the presence can be believed.
func (q *acquisition) presentLocked() bool {
	if q.presence == nil {
		return true
	}
	q.presence.expireLocked()
	return q.presence.cause == nil
}

// orphaned tells whether an attempt was refused because its session has ended, and
// takes that in.
func (q *acquisition) orphaned(ctx context.Context, a answer) bool {
	p := q.presence
	if p == nil {
		return false
	}
	if a.Status == schema.StatusSessionExpired {
		p.dismiss()
		return true
	}
	if a.Status != schema.StatusCanceled {
		return false
	}
	if p.keepalive(ctx) { // canceled because others have left the session
		p.gone()
	}
	return p.Err() != nil // else the attempt was canceled by others
}
