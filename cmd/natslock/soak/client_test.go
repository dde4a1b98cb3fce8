//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// losses is a logger that remembers why locks were lost.
type losses struct {
	mu    sync.Mutex
	ended map[uint64]bool // by token: whether the service said so
	news  chan struct{}   // closed at the next entry
}

func newLosses() *losses { return &losses{ended: map[uint64]bool{}, news: make(chan struct{})} }

// Enabled is always true.
func (l *losses) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs is not needed.
func (l *losses) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup is not needed.
func (l *losses) WithGroup(string) slog.Handler { return l }

// Handle takes note of a lost lock.
func (l *losses) Handle(_ context.Context, r slog.Record) error {
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "token" {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.ended[a.Value.Uint64()] = r.Message == "lock lost: its hold was ended"
			close(l.news)
			l.news = make(chan struct{})
		}
		return true
	})
	return nil
}

// why waits until it is known why a lock was lost: because the service said
// that the hold had ended, or because it could not be renewed in time.
func (l *losses) why(ctx context.Context, token uint64) (ended bool, err error) {
	for {
		l.mu.Lock()
		ended, known := l.ended[token]
		news := l.news
		l.mu.Unlock()
		if known {
			return ended, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return false, fmt.Errorf("hold %d was lost and nobody says why: %w", token, ctx.Err())
		}
	}
}

// ask is what an acquire by package client asks for.
type ask struct {
	mode    schema.Mode
	size    int64
	ttl     time.Duration // 0 is by presence
	try     bool
	left    bool          // to its TTL
	giveUp  time.Duration // 0 is never
	holdFor time.Duration
}

func (a ask) options(owner string) []client.AcquireOption {
	options := []client.AcquireOption{client.Owner(owner)}
	switch {
	case a.mode == schema.ModeShared && a.size > 0:
		options = append(options, client.Size(int(a.size)))
	case a.mode == schema.ModeShared:
		options = append(options, client.Shared())
	}
	if a.ttl > 0 {
		options = append(options, client.TTL(a.ttl))
	}
	if a.left {
		options = append(options, client.NoRenew())
	}
	return options
}

// old tells whether a grant came so late that it may not have been the first: one
// that is old when it comes is asked for again, and may be over by then.
func (a ask) old(took time.Duration) bool { return a.ttl > 0 && took >= a.ttl/3 }

// twice tells whether package client may have sent a request more than once that
// took so long: it lets up to an eighth of its timeout go.
func twice(took time.Duration) bool { return took >= clientTimeout-clientTimeout/8 }

// take acquires locks through package client, uses them and releases them.
func (c *caller) take(ctx context.Context, ledgers []*ledger, a ask) error {
	session, err := c.session(ctx, a)
	if err != nil {
		return err
	}
	owner := c.freshOwner()
	names := make([]string, len(ledgers))
	for i, l := range ledgers {
		names[i] = l.name
		l.begin(c.id, owner, a.mode, a.size, len(ledgers) > 1)
	}
	shakes, call := c.shakes(), now()
	locks, err := c.acquire(ctx, names, a, owner)
	ret := now()
	shaken := c.shakes() != shakes || session.Err() != nil
	if err != nil {
		return c.refused(ledgers, owner, a, call, ret, shaken, err)
	}
	errs := make([]error, len(locks))
	for i, l := range locks {
		errs[i] = ledgers[i].end(owner, l.Token(), a.old(ret-call) || shaken)
	}
	return errors.Join(errors.Join(errs...), c.use(ctx, ledgers, locks, a, call))
}

// session is that by which locks will be held: if it is lost while they are waited
// for, the wait is made anew, and has lost its place in the queue. For a TTL it is
// nothing that ends.
func (c *caller) session(ctx context.Context, a ask) (context.Context, error) {
	if a.ttl > 0 {
		return context.Background(), nil
	}
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return c.locks.Presence(bounded)
}

func (c *caller) acquire(ctx context.Context, names []string, a ask, owner string) ([]*client.Lock, error) {
	bound := a.giveUp
	if a.try {
		bound = patience
	}
	if bound > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, bound)
		defer cancel()
	}
	if len(names) > 1 {
		acquire := c.locks.AcquireAll
		if a.try {
			acquire = c.locks.TryAcquireAll
		}
		set, err := acquire(ctx, names, a.options(owner)...)
		if err != nil {
			return nil, err
		}
		return set.Locks(), nil
	}
	acquire := c.locks.Acquire
	if a.try {
		acquire = c.locks.TryAcquire
	}
	l, err := acquire(ctx, names[0], a.options(owner)...)
	return []*client.Lock{l}, err
}

// refused writes down an acquire that has come to nothing.
func (c *caller) refused(ledgers []*ledger, owner string, a ask, call, ret time.Duration, shaken bool, err error) error {
	var refusal *client.Error
	if errors.Is(err, client.ErrLost) { // its grants were too old whenever they came
		for _, l := range ledgers {
			l.abandon(owner)
		}
		return nil
	}
	if !errors.As(err, &refusal) {
		return err
	}
	switch {
	case refusal.Status == schema.StatusHeld && a.try:
		for _, l := range ledgers {
			if twice(ret-call) || shaken { // another copy may be granted yet, until it is canceled
				l.abandon(owner)
			} else if err := l.end(owner, 0, false); err != nil {
				return err
			}
			if len(ledgers) == 1 || l.name == refusal.Name {
				l.show(c.id, call, ret, refusal.Holders)
			}
		}
		if len(refusal.Holders) == 0 {
			return fmt.Errorf("held by nobody: %w", err)
		}
		return nil
	case a.giveUp > 0 || refusal.Status == schema.StatusUnavailable && a.try:
		for _, l := range ledgers {
			l.abandon(owner)
		}
		return nil
	}
	return fmt.Errorf("%s waits for ever and was refused: %w", owner, err)
}

// use holds locks for a while, and releases them. They were asked for at call.
func (c *caller) use(ctx context.Context, ledgers []*ledger, locks []*client.Lock, a ask, call time.Duration) error {
	var errs []error
	visits := make([]*visit, len(locks))
	sure := now()
	for i, l := range locks {
		if l.Err() != nil {
			continue
		}
		v := &visit{token: l.Token(), mode: a.mode, size: a.size, believes: func() bool { return l.Err() == nil }}
		if err := ledgers[i].visit(v); err != nil {
			errs = append(errs, err)
		}
		visits[i] = v
	}
	for end := sure + a.holdFor; now() < end; {
		pause(ctx, min(20*time.Millisecond, end-now()))
		if at := now(); believed(locks) {
			sure = at
		}
	}
	if a.left {
		pause(ctx, a.ttl/2+c.chance(3*a.ttl/2))
	}
	for i, l := range ledgers {
		l.guard.leave(visits[i])
	}
	if a.left {
		return errors.Join(append(errs, c.expire(ctx, ledgers[0], locks[0].Token(), max(sure, call+a.ttl)))...)
	}
	return errors.Join(append(errs, c.release(ctx, ledgers, locks, a, sure))...)
}

func believed(locks []*client.Lock) bool {
	for _, l := range locks {
		if l.Err() != nil {
			return false
		}
	}
	return true
}

// visit uses what the lock guards. What is forced away by others is not guarded.
func (l *ledger) visit(v *visit) error {
	if err := l.guard.enter(v); err != nil {
		return fmt.Errorf("%s: %w", l.name, err)
	}
	return nil
}

// release releases locks one by one and writes down what that shows.
func (c *caller) release(ctx context.Context, ledgers []*ledger, locks []*client.Lock, a ask, sure time.Duration) error {
	var errs []error
	for i, l := range locks {
		errs = append(errs, c.releaseOne(ctx, ledgers[i], l, a, sure))
	}
	return errors.Join(errs...)
}

func (c *caller) releaseOne(ctx context.Context, book *ledger, l *client.Lock, a ask, sure time.Duration) error {
	held := l.Context()
	bounded, cancel := context.WithTimeout(ctx, patience) // without, package client would give up sooner
	defer cancel()
	shakes, call := c.shakes(), now()
	err := l.Release(bounded)
	ret := now()
	switch {
	case err == nil && c.shakes() == shakes && !twice(ret-call):
		book.note(c.id, call, ret, step{kind: ended, token: l.Token()})
	case err == nil: // sent more than once: the first may have done it
		book.note(c.id, call, ret, step{kind: lapsed, token: l.Token()})
	case !errors.Is(err, client.ErrLost):
		return fmt.Errorf("release: %w", err)
	case errors.Is(context.Cause(held), client.ErrReleased): // the service did not know the hold
		book.note(c.id, call, ret, step{kind: gone, token: l.Token()})
	default:
		return c.lost(ctx, book, l, a, sure)
	}
	return nil
}

// lost writes down how a lock was lost, and makes sure that its hold is over.
func (c *caller) lost(ctx context.Context, book *ledger, l *client.Lock, how ask, sure time.Duration) error {
	if how.ttl > 0 { // by presence, all are lost together
		ended, err := c.losses.why(ctx, l.Token())
		if err != nil {
			return err
		}
		if ended {
			book.note(c.id, sure, now(), step{kind: gone, token: l.Token()})
			return nil
		}
	}
	c.soak.lost.Add(1)
	a, err := c.wire.ask(ctx, c.encoding(), schema.VerbRelease, "", &schema.Release{Name: book.name, Token: l.Token()})
	if err != nil {
		return err
	}
	book.note(c.id, sure, a.ret, step{kind: lapsed, token: l.Token()})
	return nil
}

// expire looks at what is left of a hold that was left to its TTL. It cannot
// end before earliest.
func (c *caller) expire(ctx context.Context, book *ledger, token uint64, earliest time.Duration) error {
	a, err := c.wire.ask(ctx, c.encoding(), schema.VerbRelease, "", &schema.Release{Name: book.name, Token: token})
	if err != nil {
		return err
	}
	switch {
	case a.Status == schema.StatusReleased:
		book.note(c.id, a.call, a.ret, step{kind: ended, token: token})
	case a.Status != schema.StatusNotHeld:
		return unexpected(schema.VerbRelease, &a)
	case a.sends > 1: // the first may have done it
		book.note(c.id, min(a.call, earliest), a.ret, step{kind: lapsed, token: token})
	case a.ret < earliest:
		return fmt.Errorf("%s: hold %d ended more than %s before its TTL", book.name, token, earliest-a.ret)
	default:
		book.note(c.id, earliest, a.ret, step{kind: lapsed, token: token})
	}
	return nil
}

func unexpected(v schema.Verb, a *answer) error {
	return fmt.Errorf("%s was answered %s: %s", v, a.Status, a.Message)
}
