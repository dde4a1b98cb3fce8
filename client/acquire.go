package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/natslock/natslock/schema"
)

// Acquire takes a lock, and waits its turn until ctx ends or, with the option
// Wait, for so long. The error is ErrTimeout when the time is over (and that of
// ctx, if it was ctx that ended), ErrCanceled and context.Canceled when ctx was
// canceled, or why the service refused. An attempt that is given up is taken
// out of the queue, in the background if need be, and what it was granted
// meanwhile is released.
func (c *Client) Acquire(ctx context.Context, name string, opts ...AcquireOption) (*Lock, error) {
	return one(c.acquire(ctx, []string{name}, true, opts))
}

// TryAcquire takes a lock if it is free, and else returns ErrHeld; the holders
// are in the *Error. The other errors are those of Acquire, and ErrUnavailable
// when nobody has answered in time.
func (c *Client) TryAcquire(ctx context.Context, name string, opts ...AcquireOption) (*Lock, error) {
	return one(c.acquire(ctx, []string{name}, false, opts))
}

// AcquireAll takes up to 64 locks, all or none. It waits like Acquire, but in no
// queue: until all are free at one instant and nobody waits for any of them.
func (c *Client) AcquireAll(ctx context.Context, names []string, opts ...AcquireOption) (*LockSet, error) {
	return several(c.acquire(ctx, names, true, opts))
}

// TryAcquireAll takes up to 64 locks if all are free, and else returns ErrHeld;
// the *Error names the first that is not.
func (c *Client) TryAcquireAll(ctx context.Context, names []string, opts ...AcquireOption) (*LockSet, error) {
	return several(c.acquire(ctx, names, false, opts))
}

func one(locks []*Lock, err error) (*Lock, error) {
	if err != nil {
		return nil, err
	}
	return locks[0], nil
}

func several(locks []*Lock, err error) (*LockSet, error) {
	if err != nil {
		return nil, err
	}
	return &LockSet{locks: locks}, nil
}

// acquire takes locks under the terms of the options.
func (c *Client) acquire(ctx context.Context, names []string, waits bool, opts []AcquireOption) ([]*Lock, error) {
	locks, err := c.acquireNames(ctx, names, waits, opts)
	if err != nil {
		return nil, fmt.Errorf("acquire %.100q: %w", strings.Join(names, ", "), err)
	}
	return locks, nil
}

func (c *Client) acquireNames(ctx context.Context, names []string, waits bool, opts []AcquireOption) ([]*Lock, error) {
	t, err := c.terms(waits, opts)
	if err != nil {
		return nil, err
	}
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	q := acquisition{c: c, names: names, terms: t, parties: parties(names, t.owner), until: never}
	if t.wait > 0 {
		q.until = c.now() + t.wait
	}
	defer q.attend()()
	locks, err := q.run(ctx)
	if err != nil {
		q.giveUp()
	}
	return locks, err
}

// maxStale is how many grants in a row may be old when they arrive.
const maxStale = 3

// acquisition is one Acquire on its way: an attempt, and another where the
// first came to nothing through no decision of anybody's.
type acquisition struct {
	c       *Client
	names   []string
	terms   terms
	parties []party           // if the owner is named
	ended   uint64            // of their releases and cancels, when the attempt began
	until   instant           // of the waiting; never if only the context bounds it
	open    []*schema.Acquire // attempts that may hold something, or do so yet
	stale   int               // grants that were old when they arrived

	presence *presence // of the attempt; nil: it is for a TTL
	began    instant   // of the attempt
	orphans  int       // attempts in a row that soon ended with their presence
}

// run makes attempts until there are locks or a reason why not.
func (q *acquisition) run(ctx context.Context) ([]*Lock, error) {
	for {
		if err := q.prepare(ctx); err != nil {
			return nil, err
		}
		m := q.message(ctx)
		q.shorten()
		a, err := q.c.attempt(ctx, q.c.options.Realm, m, q.until, q.presence)
		open := pending(a, err)
		if open {
			q.open = append(q.open, m)
		}
		if errors.Is(err, errOver) {
			continue // its place in the queue is lost
		}
		if err != nil {
			return nil, err
		}
		if a.Status == schema.StatusGranted || a.Status == schema.StatusAlready {
			if locks, err := q.granted(a, m.Request); locks != nil || err != nil {
				return locks, err
			}
			continue
		}
		if open && !unsettled(a) {
			q.open = q.open[:len(q.open)-1]
		}
		if q.orphaned(ctx, a) {
			continue
		}
		over := a.Status == schema.StatusNotHeld && a.sends > 1      // granted, and over before the answer came
		short := a.Status == schema.StatusTimeout && q.left(ctx) > 0 // it was to wait for less than there is
		if !over && !short {
			return nil, q.refused(ctx, a)
		}
	}
}

// message is the next attempt.
func (q *acquisition) message(ctx context.Context) *schema.Acquire {
	t := &q.terms
	m := &schema.Acquire{
		Client: q.c.name, Request: q.c.requestID(), Owner: t.owner,
		Mode: t.mode, Size: t.size, Meta: t.meta,
	}
	if q.presence != nil {
		m.Session = q.presence.id
	} else {
		m.TTL = &t.ttl
	}
	if len(q.names) == 1 {
		m.Name = q.names[0]
	} else {
		m.Names = q.names
	}
	if t.wait != 0 {
		left := q.left(ctx)
		if q.presence != nil && left > schema.MaxWait*time.Millisecond {
			m.Wait = schema.WaitForever // the session bounds it
			return m
		}
		left = min(left, schema.MaxWait*time.Millisecond)
		m.Wait = max(1, int64((left+time.Millisecond-1)/time.Millisecond))
	}
	return m
}

// left is how much of the waiting is left.
func (q *acquisition) left(ctx context.Context) time.Duration {
	left := never
	if q.until != never {
		left = q.until - q.c.now()
	}
	if end, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(end))
	}
	return left
}

// refused is the error of a reply that grants nothing.
func (q *acquisition) refused(ctx context.Context, a answer) error {
	e := refused(a.Reply)
	if _, ok := ctx.Deadline(); ok && a.Status == schema.StatusTimeout && q.until == never {
		e.cause = context.DeadlineExceeded
	}
	return e
}

// granted makes locks of a grant. It returns none when the grant cannot be
// believed: a party was released or canceled beside it; or the presence has ended,
// which ends what was granted; or, of one with a TTL, it is old. How
// long it has been on its way nobody knows, only that it was made after the
// attempt was first sent. Then it is asked for again, under its owner, which
// costs a round trip after a long wait, and restarts the TTL.
func (q *acquisition) granted(a answer, request string) ([]*Lock, error) {
	ttl := replyTTL(a.Reply, time.Duration(q.terms.ttl)*time.Millisecond)
	age := q.c.now() - a.sent
	if ttl > 0 && age >= fresh(ttl) && (q.stale == 0 || age >= trustedUntil(0, ttl)) {
		if q.stale++; q.stale > maxStale {
			return nil, fmt.Errorf("a ttl of %s is over before the answer is here: %w", ttl, ErrLost)
		}
		q.terms.owner = a.Owner
		return nil, nil
	}
	holds, err := q.holds(a.Reply)
	if err != nil {
		return nil, err
	}
	q.c.mu.Lock()
	defer q.c.mu.Unlock()
	if ended, sure := q.c.endedLocked(q.parties); !sure || ended != q.ended || !q.presentLocked() {
		return nil, nil
	}
	locks := make([]*Lock, len(holds))
	for i, h := range holds {
		locks[i] = q.c.adoptLocked(h, a.Owner)
		if len(holds) == 1 && a.sole() {
			locks[i].sole = request
		}
		locks[i].named = q.parties != nil
		locks[i].noRenew = locks[i].noRenew && q.terms.noRenew
		if q.presence != nil {
			locks[i].presence.Store(q.presence)
		}
		locks[i].trustLocked(a.sent, ttl)
	}
	return locks, nil
}

// holds are what was granted, in the order asked.
func (q *acquisition) holds(r *schema.Reply) ([]hold, error) {
	if len(q.names) == 1 {
		r.Locks = []schema.LockState{{Name: q.names[0], Token: r.Token}}
	}
	holds := make([]hold, len(r.Locks))
	for i := range r.Locks {
		l := &r.Locks[i]
		holds[i] = hold{l.Name, l.Token}
		if len(r.Locks) != len(q.names) || l.Name != q.names[i] || l.Token == 0 {
			return nil, &Error{Status: schema.StatusInternal, Message: "a grant of other locks than were asked for"}
		}
	}
	return holds, nil
}

// shorten prepares what the owner holds already for a shorter TTL.
func (q *acquisition) shorten() {
	if q.terms.owner == "" {
		return
	}
	q.c.mu.Lock()
	defer q.c.mu.Unlock()
	for _, name := range q.names {
		for l := q.c.locks[name]; l != nil; l = l.next {
			if l.owner == q.terms.owner {
				l.changeLocked(time.Duration(q.terms.ttl) * time.Millisecond) // of none, nothing changes
			}
		}
	}
}

// giveUp cancels the attempts that may hold something, or may do so yet.
func (q *acquisition) giveUp() {
	for _, m := range q.open {
		q.c.giveUp(q.c.options.Realm, m, q.parties)
	}
}

// pending tells whether an attempt, however it went, may hold something or do so
// yet. One that was denied has reached nobody, or its grant nobody here: that
// the service notices itself.
func pending(a answer, err error) bool {
	return a.sends > 0 && !errors.Is(err, ErrDenied)
}

// fleeting are the refusals that leave nothing behind: whether they still hold is
// decided anew for each copy of a request.
var fleeting = []schema.Status{
	schema.StatusHeld, schema.StatusSizeMismatch, schema.StatusSessionExpired, schema.StatusLimit, schema.StatusInternal,
}

// unsettled tells whether a refused attempt may hold something yet: another copy
// of it, that was on its way when this one was refused, may be granted, or wait, and
// nobody listens to its answer any more.
func unsettled(a answer) bool { return a.sends > 1 && slices.Contains(fleeting, a.Status) }

// giveUp cancels an attempt in the background.
func (c *Client) giveUp(realm string, m *schema.Acquire, all []party) {
	name := m.Name
	if name == "" {
		name = m.Names[0]
	}
	const longest = schema.MaxWait * time.Millisecond
	wait, ttl := time.Duration(m.Wait)*time.Millisecond, longest // what has no TTL is given up as long as its session may live
	if m.Wait < 0 {
		wait = longest
	}
	if m.TTL != nil && *m.TTL > 0 {
		ttl = time.Duration(*m.TTL) * time.Millisecond
	}
	cancel := &schema.Cancel{Name: name, Client: m.Client, Request: m.Request}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.holdsLocked(all) {
		return // by another acquire, which may go by the grant of this one
	}
	c.admitLocked(&errand{c: c, request: c.requestIn(realm, schema.VerbCancel, cancel), parties: all, ends: c.now() + wait + ttl})
}

// replyTTL is the TTL that a reply tells, or else the one that was asked for.
func replyTTL(r *schema.Reply, asked time.Duration) time.Duration {
	if r.TTL == nil {
		return asked
	}
	return time.Duration(*r.TTL) * time.Millisecond
}
