package client

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

func (p *presence) when() *slot { return &p.place }

// dueLocked ends the presence when it can no longer be trusted, and has it kept
// alive before that: in a goroutine of its own, since it cannot wait until the
// chores of single locks have their turn.
func (p *presence) dueLocked(now instant) bool {
	next := never
	if p.open {
		if next = instant(p.until.Load()); now >= next {
			p.expireLocked()
			return false
		}
	}
	p.c.setLocked(p, next)
	if p.again = p.busy; !p.busy {
		p.busy = true
		p.c.work.Go(p.carry)
	}
	return false
}

// carry keeps the presence alive in the background: one keepalive.
func (p *presence) carry() {
	lost := p.keepalive(context.Background())
	p.c.mu.Lock()
	p.busy = false
	if p.cause == nil && p.again {
		p.c.setLocked(p, p.c.now())
	}
	p.c.mu.Unlock()
	if lost {
		p.gone()
	}
}

// gone says that the service has ended the session.
func (p *presence) gone() {
	p.c.options.Logger.Warn("session lost: it was ended, and all locks with it", "session", p.id)
}

// keepalive sends a keepalive, waits for its answer, and tells whether the
// presence was lost by that.
func (p *presence) keepalive(ctx context.Context) (lost bool) {
	c := p.c
	// Before the connection is asked who it is: what is sent tells of this one.
	rejoined := c.caller.Reconnected()
	server, cid := c.connection()
	c.mu.Lock()
	if p.cause != nil {
		c.mu.Unlock()
		return false
	}
	p.n++
	r, cuts := c.request(schema.VerbKeepalive, p.messageLocked(server, cid)), p.cuts
	bound := min(c.options.Timeout, fresh(p.ttl))
	c.mu.Unlock()
	r.stop, r.rejoined = p.over, rejoined
	r.until, r.every = c.now()+bound, bound/4
	a, err := c.ask(ctx, &r)
	c.mu.Lock()
	defer c.mu.Unlock()
	return p.heardLocked(a, err, cuts)
}

// messageLocked is the next keepalive. The first ones open the session, until one
// is acknowledged: no lock was asked for before that, so it does not matter which
// of them it is that has opened it.
func (p *presence) messageLocked(server string, cid *uint64) *schema.Keepalive {
	ttl, grace := p.c.options.SessionTTL.Milliseconds(), p.c.grace.Milliseconds()
	return &schema.Keepalive{
		Session: p.id, Client: p.c.name, TTL: &ttl, Grace: &grace, Server: server, CID: cid,
		Create: !p.open, Epoch: p.epoch, N: p.n,
	}
}

// connection is the one to NATS, as both ends know it; "" if there is none. It
// may wait, if that is just being made anew, and who holds the mutex may not: what
// can no longer be trusted must end meanwhile.
func (c *Client) connection() (server string, cid *uint64) {
	if !c.caller.Connected() {
		return "", nil
	}
	id, err := c.nc.GetClientID()
	if err != nil {
		return "", nil
	}
	if server = c.nc.ConnectedServerId(); server == "" {
		return "", nil
	}
	return server, &id
}

// heardLocked takes in what came of a keepalive, and tells whether the presence
// was lost by it.
func (p *presence) heardLocked(a answer, err error, cuts uint64) (lost bool) {
	if p.expireLocked(); p.cause != nil {
		return false // whatever was kept is being ended
	}
	switch {
	case err == nil && a.Status == schema.StatusOK:
		p.aliveLocked(a.sent, replyTTL(a.Reply, p.c.options.SessionTTL), cuts)
		if p.open {
			p.epoch = a.Epoch
		}
		return false
	case err == nil && a.Status == schema.StatusSessionExpired && p.open:
		p.endLocked(lostBy(sessionGone))
		return true
	}
	if p.trouble = err; err == nil {
		p.trouble = refused(a.Reply)
	}
	if !p.open && !passing(p.trouble) {
		p.endLocked(p.trouble)
		return false
	}
	p.c.setLocked(p, min(p.place.at, p.c.now()+backoff(p.failures)))
	p.failures++
	return false
}

// sessionGone is why a lock is lost whose session the service does not know.
const sessionGone = "its session was ended by others, or nothing was heard of it in time"

// passing tells whether what keeps a session from being opened may pass.
func passing(err error) bool {
	return errors.Is(err, ErrUnavailable) && !errors.Is(err, nats.ErrConnectionClosed)
}
