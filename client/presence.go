package client

import (
	"crypto/rand"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/schema"
)

// presence is one opening of a session, by which the Client's holds live. There
// is one at a time; when it is lost, the next acquire opens another.
type presence struct {
	c     *Client
	id    string
	until atomic.Int64 // the instant at which it is no longer trusted; past while it is not open

	// Guarded by c.mu.
	place    slot
	survey   survey
	open     bool // it was, at least
	epoch    uint64
	sent     instant // of the last keepalive that was acknowledged
	ttl      time.Duration
	cut      instant // when the connection was seen to be lost since; never if it was not
	cuts     uint64  // how often it was
	n        uint64  // keepalives so far
	wanted   int     // acquires that wait for it to open
	busy     bool    // a keepalive in the background, now
	again    bool    // another one at once after it
	failures int     // of keepalives, in a row
	trouble  error   // of the last of them
	cause    error   // why it has ended; nil until then
	opened   chan struct{}
	over     chan struct{}
	context  *heldContext
}

// presenceLocked returns the presence, and begins to open one if there is none.
func (c *Client) presenceLocked() *presence {
	if p := c.presence; p != nil {
		if p.expireLocked(); p.cause == nil {
			return p
		}
	}
	p := &presence{
		c: c, id: rand.Text(), ttl: c.options.SessionTTL, cut: never,
		opened: make(chan struct{}), over: make(chan struct{}),
	}
	p.survey.p = p
	p.until.Store(int64(past))
	c.presence = p
	c.setLocked(p, c.now())
	return p
}

// Err returns nil while the presence is kept, and why it no longer is after that.
func (p *presence) Err() error {
	if p.c.now() < instant(p.until.Load()) {
		return nil
	}
	p.c.mu.Lock()
	defer p.c.mu.Unlock()
	p.expireLocked()
	return p.cause
}

// aliveLocked takes in that a keepalive was acknowledged that was first sent at
// an instant, when the connection had been lost so often.
func (p *presence) aliveLocked(sent instant, ttl time.Duration, cuts uint64) {
	p.failures, p.trouble = 0, nil
	if cuts == p.cuts {
		p.cut = never // it was sent on a connection that there is yet
	}
	if !p.open {
		if p.c.now() >= trustedUntil(sent, ttl) {
			p.c.setLocked(p, p.c.now()) // too old to begin with
			return
		}
		p.open = true
		close(p.opened)
		p.c.setLocked(&p.survey, p.c.now()+ttl)
	}
	if sent >= p.sent {
		p.sent, p.ttl = sent, ttl
		p.c.setLocked(p, renewal(sent, ttl))
	}
	p.windowLocked()
}

// cutLocked takes in that the connection is lost: the service may see that too,
// and ends the session when the grace is over, unless a keepalive comes that is
// sent from now on.
func (p *presence) cutLocked(now instant) {
	p.cuts++
	p.cut = min(p.cut, now)
	p.windowLocked()
}

// windowLocked reckons when the presence is no longer trusted.
func (p *presence) windowLocked() {
	if !p.open || p.cause != nil {
		return
	}
	until := trustedUntil(p.sent, p.ttl)
	if p.cut != never {
		until = min(until, trustedUntil(p.cut, p.c.grace))
	}
	p.until.Store(int64(until))
	p.c.setLocked(p, min(p.place.at, until))
}

// expireLocked ends the presence if it can no longer be trusted. What may be
// left of it, by a keepalive whose answer is lost or late, is ended too.
func (p *presence) expireLocked() {
	if p.cause != nil || !p.open || p.c.now() < instant(p.until.Load()) {
		return
	}
	p.endLocked(lostBy(p.unkeptLocked()))
	p.leaveLocked(true)
}

// endLocked ends the presence, and with it all locks that are held by it, unless
// it has ended.
func (p *presence) endLocked(cause error) {
	if p.cause != nil {
		return
	}
	p.cause = cause
	p.until.Store(int64(past))
	p.c.dropLocked(p)
	p.c.dropLocked(&p.survey)
	if p.c.presence == p {
		p.c.presence = nil
	}
	if !p.open {
		close(p.opened)
	}
	close(p.over)
	for _, l := range p.c.locks {
		for ; l != nil; l = l.next {
			if l.presence.Load() == p {
				l.endLocked(cause)
			}
		}
	}
	if p.context != nil {
		p.context.cancel(cause)
	}
}

// leaveLocked ends the session in the service, in the background: all holds and
// waiters of it with one request, and nothing of a later opening, however late it
// comes. Of a session that was never asked for there is nothing to end.
func (p *presence) leaveLocked(lost bool) {
	if p.n == 0 {
		return
	}
	c := p.c
	e := &errand{c: c, request: c.request(schema.VerbLeave, &schema.Leave{Session: p.id, Client: c.name, Epoch: p.epoch}), ends: c.now() + leaveFor}
	if lost {
		why := p.cause
		e.tell = func() {
			c.options.Logger.Warn("session lost: not kept alive in time, and all locks with it", "session", p.id, "err", why)
		}
	}
	c.sendLocked(e)
}

// dismiss ends the presence because the service says that its session has ended.
func (p *presence) dismiss() {
	p.c.mu.Lock()
	p.expireLocked()
	lost := p.cause == nil
	p.endLocked(lostBy(sessionGone))
	p.c.mu.Unlock()
	if lost {
		p.gone()
	}
}

// departLocked ends the presence, because the Client is closed.
func (c *Client) departLocked() {
	p := c.presence
	if p == nil {
		return
	}
	if p.expireLocked(); p.cause == nil {
		p.endLocked(ErrClosed)
		if !c.options.StayOnClose {
			p.leaveLocked(false)
		}
	}
}

// leaveFor is how long a session that was lost is tried to be ended: when nobody
// answers for longer, it ends by its silence when somebody does.
const leaveFor = time.Hour

// unkeptLocked says why a presence can no longer be trusted.
func (p *presence) unkeptLocked() string {
	const late = "its session was not kept alive in time: "
	switch {
	case !p.c.caller.Connected():
		return late + "there is no connection to NATS"
	case p.trouble != nil:
		return late + innermost(p.trouble)
	case p.cut != never:
		return late + "the connection to NATS was lost"
	case p.busy:
		return late + "nobody has answered"
	}
	return late + "this program was held up"
}
