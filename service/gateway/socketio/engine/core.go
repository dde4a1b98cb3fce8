package engine

import (
	"fmt"
	"time"
)

const (
	// lingering is how long a polling session that its client has closed still
	// answers, since the client's GET and POST race each other.
	lingering = 100 * time.Millisecond
	// probeHold is how long a GET waits while a websocket is about to take over.
	// It ends with a noop, and so the client can go on with the upgrade.
	probeHold = 100 * time.Millisecond
)

// phase is how far the life of a session has come.
type phase int

const (
	alive   phase = iota
	leaving       // ended, but the client may still read what is left
	gone
)

// core decides for one session. It has no clock and does no I/O.
type core struct {
	heart heart
	out   queue
	phase phase
	// overSocket is whether a websocket carries the session, else it is polled.
	overSocket bool
	claimed    bool // a websocket wants to take over
	probing    bool // it is about to, the client knows
	waiting    bool // a GET waits for its answer
	posting    bool // a POST is being read

	noopAt   time.Time // when the GET that waits is answered with a noop
	leaveAt  time.Time // when the client has had its time to read what is left
	farewell kind      // the last packet of polling
	reason   error     // why the session has ended
}

// ending is how a session ends.
type ending struct {
	reason   error
	farewell kind
	linger   time.Duration // for the client to read what is left
}

// broken ends a session at once.
func broken(reason error) ending { return ending{reason: reason, farewell: kindClose} }

// tick does what is due.
func (c *core) tick(now time.Time) {
	switch c.phase {
	case alive:
		switch c.heart.tick(now) {
		case beatPing:
			c.out.control(packet{kind: kindPing})
		case beatDead:
			c.end(now, broken(ErrPingTimeout))
		case beatNone:
		}
	case leaving:
		if !now.Before(c.leaveAt) {
			c.phase = gone
		}
	case gone:
	}
}

// next is when to tick again.
func (c *core) next() time.Time {
	switch {
	case c.phase == gone:
		return time.Time{}
	case c.phase == leaving:
		return c.leaveAt
	case !c.noopAt.IsZero() && c.noopAt.Before(c.heart.next()):
		return c.noopAt
	}
	return c.heart.next()
}

// end ends the session. The first reason counts.
func (c *core) end(now time.Time, e ending) {
	if c.phase != alive {
		return
	}
	c.phase, c.reason, c.farewell = leaving, e.reason, e.farewell
	c.leaveAt, c.noopAt = now.Add(e.linger), time.Time{}
	if e.linger > 0 {
		return
	}
	c.out.clear()
	if !c.waiting {
		c.phase = gone
	}
}

// polled reports why a request cannot be part of polling.
func (c *core) polled(now time.Time) error {
	c.tick(now)
	switch {
	case c.phase == gone:
		return ErrUnknownSession
	case c.overSocket:
		return ErrBadRequest
	}
	return nil
}

// poll is a GET. It is answered when answer says so.
func (c *core) poll(now time.Time) error {
	if err := c.polled(now); err != nil {
		return err
	}
	if c.waiting {
		c.end(now, broken(ErrConcurrent))
		return ErrBadRequest
	}
	c.waiting = true
	if c.probing {
		c.noopAt = now.Add(probeHold)
	}
	return nil
}

// reply is the answer to a GET: packets, or a refusal.
type reply struct {
	packets []packet
	refused error
}

// answer is what the GET that waits is told, if it is told anything yet.
func (c *core) answer(now time.Time) (reply, bool) {
	var r reply
	switch {
	case !c.waiting:
		return reply{}, false
	case c.overSocket:
		r.refused = ErrBadRequest
	case !c.out.empty(): // the farewell is for the next GET, after this is understood
		r.packets = c.out.take()
	case c.phase != alive:
		r.packets = []packet{{kind: c.farewell}}
		c.phase = gone
	case c.probing && !now.Before(c.noopAt):
		r.packets = []packet{{kind: kindNoop}}
	default:
		return reply{}, false
	}
	c.out.written()
	c.waiting, c.noopAt = false, time.Time{}
	return r, true
}

// lost ends the session and all that is left of it.
func (c *core) lost(now time.Time, reason error) {
	c.waiting = false
	c.end(now, broken(reason))
	c.phase = gone
}

// post is the beginning of a POST.
func (c *core) post(now time.Time) error {
	if err := c.polled(now); err != nil {
		return err
	}
	if c.phase != alive {
		return ErrUnknownSession
	}
	if c.posting {
		c.end(now, broken(ErrConcurrent))
		return ErrBadRequest
	}
	c.posting = true
	return nil
}

// receive is a packet of the client. It reports whether it is a message to
// deliver. What a client must not send ends the session.
func (c *core) receive(now time.Time, p packet) (bool, error) {
	c.tick(now)
	if c.phase != alive {
		return false, nil
	}
	switch p.kind {
	case kindMessage:
		return true, nil
	case kindPong:
		c.heart.pong(now)
	case kindNoop:
	case kindClose:
		e := ending{reason: ErrClientClosed, farewell: kindNoop}
		if !c.overSocket {
			e.linger = lingering
		}
		c.end(now, e)
	default:
		err := fmt.Errorf("%w: of type %c", ErrPacket, p.kind)
		c.end(now, broken(err))
		return false, err
	}
	return false, nil
}

// send queues messages, all or none.
func (c *core) send(now time.Time, packets []packet) error {
	c.tick(now)
	if c.phase != alive {
		return c.reason
	}
	if !c.out.push(packets...) {
		c.end(now, broken(ErrSlowReader))
		return ErrSlowReader
	}
	return nil
}

// claim is a websocket that wants to take over. It may while none else does.
func (c *core) claim(now time.Time) bool {
	c.tick(now)
	if c.phase != alive || c.overSocket || c.claimed {
		return false
	}
	c.claimed = true
	return true
}

// probe is the websocket that shows to work. The GET that waits is answered, so
// that the client can stop polling.
func (c *core) probe(now time.Time) {
	c.probing = true
	if c.waiting {
		c.noopAt = now
	}
}

// unclaim is the websocket that has not taken over.
func (c *core) unclaim() { c.claimed, c.probing, c.noopAt = false, false, time.Time{} }

// upgrade is the websocket that takes over, also to carry what is left of a session
// that has ended: a client that has begun to upgrade does not poll.
func (c *core) upgrade(now time.Time) error {
	c.tick(now)
	c.unclaim()
	if c.phase == gone {
		return c.reason
	}
	c.overSocket = true
	return nil
}
