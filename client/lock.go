package client

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/schema"
)

// Lock is a lock that is held, or was. Its methods may be called concurrently.
type Lock struct {
	c     *Client
	name  string
	token uint64
	owner string
	sole  string       // the request by which it was granted, if that was sent once and will not be again
	until atomic.Int64 // the instant at which it is no longer trusted for its TTL: never without one, past once it has ended

	presence atomic.Pointer[presence] // by which it is held too; nil: by its TTL alone

	// Guarded by c.mu.
	place     slot
	ttl       time.Duration // 0 is none
	shortest  time.Duration // of the TTLs asked for by a Renew whose outcome is unknown; 0 is none
	turn      uint64        // counts changes of the TTL, begun and ended: a renewal in the background across one proves nothing
	named     bool          // the owner was named by its user
	noRenew   bool
	renewing  bool   // in the background, now
	failures  int    // of renewals, in a row
	trouble   error  // of the last of them
	forced    string // what was heard of a force that may have ended it: "" is nothing
	cause     error  // why it has ended; nil while it is held
	releases  int    // how often it was released, on whoever's part
	releasing bool   // in the background
	released  bool   // and that was acknowledged
	context   *heldContext
	next      *Lock // another hold of the same name
}

// Name returns the lock's name.
func (l *Lock) Name() string { return l.name }

// Token returns the fencing token: larger than those of all earlier holds of the
// lock. It does not change while the lock is held. Give it to whatever the lock
// guards, and let that refuse a token smaller than one it has seen.
func (l *Lock) Token() uint64 { return l.token }

// Owner returns who the hold belongs to, within the client.
func (l *Lock) Owner() string { return l.owner }

// Context returns a context that ends when the lock is no longer held: with the
// cause (context.Cause) ErrLost no later than somebody else can have it, with
// ErrReleased when it is released, with ErrClosed when the Client is closed.
// It has no deadline, as renewals and keepalives move the end.
func (l *Lock) Context() context.Context {
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	if l.context == nil {
		l.context = newHeldContext(context.Background(), l)
		if l.cause != nil {
			l.context.cancel(l.cause)
		}
	}
	return l.context
}

// Err returns nil while the lock is held, and why it no longer is after that:
// ErrLost, ErrReleased or ErrClosed.
func (l *Lock) Err() error {
	if l.trusted() {
		return nil
	}
	l.c.mu.Lock()
	defer l.c.mu.Unlock()
	l.expireLocked()
	return l.cause
}

// trusted tells whether the lock is held, by the clock.
func (l *Lock) trusted() bool {
	now, p := l.c.now(), l.presence.Load()
	return now < instant(l.until.Load()) && (p == nil || now < instant(p.until.Load()))
}

// Release gives the lock back, and the next waiter has it at once. The Context
// ends before anything is sent; if ctx comes from it, Options.Timeout bounds the
// release instead. Releasing again is no error. A lock that was
// lost is ErrLost and ErrNotHeld, and nobody else's hold is touched. With any
// other error the release goes on in the background, for the TTL if there is one:
// that ends the hold then, or once the service is back; call Release again to wait
// for it.
func (l *Lock) Release(ctx context.Context) error {
	if err := l.c.enter(); err != nil {
		return fmt.Errorf("release %q: %w", l.name, err)
	}
	defer l.c.leave()
	if err := l.c.release(ctx, []*Lock{l}); err != nil {
		return fmt.Errorf("release %q: %w", l.name, err)
	}
	return nil
}

// trustLocked takes in that the hold was granted or renewed by a request that
// was sent at an instant, as it was first or later. Without a TTL there is nothing
// to renew: the presence is kept alive.
func (l *Lock) trustLocked(sent instant, ttl time.Duration) {
	l.ttl, l.failures, l.trouble = ttl, 0, nil
	if l.shortest != 0 && (ttl == 0 || l.shortest < ttl) {
		ttl = l.shortest
	}
	if ttl == 0 {
		l.until.Store(int64(never))
		l.c.dropLocked(l)
		return
	}
	l.until.Store(int64(trustedUntil(sent, ttl)))
	l.c.setLocked(l, l.nextLocked(sent, ttl))
}

// nextLocked is when to look at the lock again after a renewal that was sent at
// an instant.
func (l *Lock) nextLocked(sent instant, ttl time.Duration) instant {
	if l.noRenew {
		return trustedUntil(sent, ttl)
	}
	return renewal(sent, ttl)
}

// endLocked ends the lock, unless it has ended.
func (l *Lock) endLocked(cause error) {
	if l.cause != nil {
		return
	}
	l.cause = cause
	l.until.Store(int64(past))
	l.c.dropLocked(l)
	l.c.forgetLocked(l)
	if l.context != nil {
		l.context.cancel(cause)
	}
}

// expireLocked ends the lock if it can no longer be trusted. What may be left
// of its hold, by a renewal whose answer is lost or late, is released; but a
// lock that is not renewed here may be renewed elsewhere.
func (l *Lock) expireLocked() {
	if p := l.presence.Load(); p != nil && l.cause == nil {
		p.expireLocked()
	}
	if l.cause != nil || l.c.now() < instant(l.until.Load()) {
		return
	}
	l.endLocked(lostBy(l.unrenewedLocked()))
	if l.noRenew {
		return
	}
	l.c.giveBackLocked(l)
}

// unrenewedLocked says why a lock can no longer be trusted.
func (l *Lock) unrenewedLocked() string {
	const late = "not renewed in time: "
	switch {
	case l.noRenew:
		return "its TTL is over"
	case !l.c.caller.Connected():
		return late + "there is no connection to NATS"
	case l.trouble != nil:
		return late + innermost(l.trouble)
	case l.renewing:
		return late + "nobody has answered"
	}
	return late + "this program was held up"
}

// goneLocked says why the service does not know the hold any more.
func (l *Lock) goneLocked() string {
	switch {
	case l.forced != "":
		return l.forced
	case l.ttl == 0:
		return "its hold was released by others"
	}
	return "its hold was released by others, or its TTL was over"
}

// changeLocked begins a change of the TTL. A shorter one may come into force at
// any time from now on, whatever becomes of the answer.
func (l *Lock) changeLocked(ttl time.Duration) {
	l.turn++
	if ttl == 0 || l.ttl != 0 && ttl >= l.ttl {
		return
	}
	if l.shortest == 0 || ttl < l.shortest {
		l.shortest = ttl
	}
	now := l.c.now()
	l.until.Store(min(l.until.Load(), int64(trustedUntil(now, ttl))))
	next := l.nextLocked(now, ttl)
	if l.place.index != 0 {
		next = min(next, l.place.at)
	}
	l.c.setLocked(l, next)
}

// lostError is what is said to who goes on using a lost lock.
func lostError(cause error) error {
	return &Error{Status: schema.StatusNotHeld, cause: cause}
}
