//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

const (
	clientTimeout = time.Second     // of package client: when a request is sent again
	clientTTL     = 5 * time.Second // of its locks: some outages are longer
	wireTTL       = 6 * time.Second // of holds that are renewed without it
	heirs         = 10              // of so many callers one waits for what mortals hold, too
)

// caller is one of many: it takes locks in all the ways there are, one after
// another.
type caller struct {
	id     int
	soak   *soak
	locks  *client.Client
	losses *losses
	wire   *wire
	rand   *rand.Rand
	owners int
	doing  atomic.Pointer[string]
}

// name is the client of its requests over the wire.
func (c *caller) name() string { return "caller-" + strconv.Itoa(c.id) }

func (c *caller) freshOwner() string {
	c.owners++
	return fmt.Sprintf("%d-%d", c.id, c.owners)
}

// shakes counts how often its connection was made anew.
func (c *caller) shakes() uint64 { return c.wire.nc.Stats().Reconnects }

func (c *caller) encoding() schema.Encoding {
	if c.rand.IntN(2) == 0 {
		return schema.JSON
	}
	return schema.MessagePack
}

// chance is some time below d.
func (c *caller) chance(d time.Duration) time.Duration { return time.Duration(c.rand.Int64N(int64(d))) }

// run goes from lock to lock until the trouble is over, and finishes what it
// has begun. The first error ends it.
func (c *caller) run(ctx, trouble context.Context) error {
	for trouble.Err() == nil {
		g := c.soak.enter()
		err := c.turn(ctx, g)
		g.users.Done()
		if err != nil {
			return fmt.Errorf("caller %d: %s: %w", c.id, *c.doing.Load(), err)
		}
		pause(trouble, c.chance(100*time.Millisecond))
	}
	c.does("nothing")
	return nil
}

func (c *caller) does(what string) { c.doing.Store(&what) }

// habit is one way to use locks.
type habit struct {
	name   string
	weight int
	do     func(*caller, context.Context, *generation) error
}

var habits = []habit{
	{"hot", 10, (*caller).hot},
	{"hot, trying", 4, (*caller).try},
	{"hot, giving up", 6, (*caller).giveUp},
	{"hot, canceled", 6, (*caller).cancel},
	{"own", 18, (*caller).own},
	{"semaphore", 8, (*caller).semaphore},
	{"shared", 8, (*caller).shared},
	{"several", 8, (*caller).several},
	{"left to its ttl", 5, (*caller).leave},
	{"forced", 4, (*caller).forced},
	{"kept", 3, (*caller).keep},
	{"on the wire", 12, (*caller).plain},
	{"looking", 8, (*caller).look},
}

// turn is one use of a lock, or of several.
func (c *caller) turn(ctx context.Context, g *generation) error {
	if c.id%heirs == 0 && c.rand.IntN(4) == 0 {
		c.does("heir")
		return c.heir(ctx, g)
	}
	total := 0
	for _, h := range habits {
		total += h.weight
	}
	n := c.rand.IntN(total)
	for _, h := range habits {
		if n -= h.weight; n < 0 {
			c.does(h.name)
			return h.do(c, ctx, g)
		}
	}
	return nil
}

// pick is any lock of a family.
func (c *caller) pick(g *generation, family string) *ledger {
	return g.ledgers[lockName(family, g.number, c.rand.IntN(families[family]))]
}

func (c *caller) hot(ctx context.Context, g *generation) error {
	return c.take(ctx, []*ledger{c.pick(g, famHot)}, ask{ttl: c.ttl(), holdFor: c.chance(4 * time.Millisecond)})
}

func (c *caller) try(ctx context.Context, g *generation) error {
	return c.take(ctx, []*ledger{c.pick(g, famHot)}, ask{ttl: clientTTL, try: true, holdFor: c.chance(4 * time.Millisecond)})
}

func (c *caller) giveUp(ctx context.Context, g *generation) error {
	return c.take(ctx, []*ledger{c.pick(g, famHot)}, ask{ttl: clientTTL, giveUp: 5*time.Millisecond + c.chance(300*time.Millisecond), holdFor: c.chance(4 * time.Millisecond)})
}

// ttl is that of a lock, or none: then it is held by presence.
func (c *caller) ttl() time.Duration {
	if c.rand.IntN(2) == 0 {
		return 0
	}
	return clientTTL
}

// heir waits for what mortals hold.
func (c *caller) heir(ctx context.Context, g *generation) error {
	return c.take(ctx, []*ledger{c.pick(g, famMortal)}, ask{ttl: c.ttl(), holdFor: c.chance(10 * time.Millisecond)})
}

func (c *caller) own(ctx context.Context, g *generation) error {
	return c.take(ctx, []*ledger{c.pick(g, famOwn)}, ask{ttl: c.ttl(), holdFor: c.chance(30 * time.Millisecond)})
}

func (c *caller) semaphore(ctx context.Context, g *generation) error {
	return c.take(ctx, []*ledger{c.pick(g, famSem)}, ask{mode: schema.ModeShared, size: 3, ttl: c.ttl(), holdFor: c.chance(15 * time.Millisecond)})
}

func (c *caller) shared(ctx context.Context, g *generation) error {
	a := ask{mode: schema.ModeShared, ttl: clientTTL, holdFor: c.chance(10 * time.Millisecond)}
	if c.rand.IntN(4) == 0 {
		a.mode = schema.ModeExclusive
	}
	return c.take(ctx, []*ledger{c.pick(g, famRW)}, a)
}

func (c *caller) several(ctx context.Context, g *generation) error {
	order := c.rand.Perm(families[famMulti])[:1+c.rand.IntN(3)]
	ledgers := make([]*ledger, len(order))
	for i, n := range order {
		ledgers[i] = g.ledgers[lockName(famMulti, g.number, n)]
	}
	a := ask{ttl: c.ttl(), try: c.rand.IntN(3) == 0, holdFor: c.chance(10 * time.Millisecond)}
	return c.take(ctx, ledgers, a)
}

func (c *caller) leave(ctx context.Context, g *generation) error {
	ttl := 100*time.Millisecond + c.chance(500*time.Millisecond).Truncate(time.Millisecond)
	return c.take(ctx, []*ledger{c.pick(g, famShort)}, ask{ttl: ttl, left: true, holdFor: c.chance(ttl)})
}

// look inspects locks.
func (c *caller) look(ctx context.Context, g *generation) error {
	m := &schema.Inspect{Client: c.name()}
	for _, family := range []string{famHot, famHot, famSem, famRW, famMulti, famShort, famOwn} {
		if name := c.pick(g, family).name; !slices.Contains(m.Names, name) {
			m.Names = append(m.Names, name)
		}
	}
	a, err := c.wire.ask(ctx, c.encoding(), schema.VerbInspect, "", m)
	if err != nil {
		return err
	}
	if a.Status != schema.StatusOK || len(a.Locks) != len(m.Names) {
		return unexpected(schema.VerbInspect, &a)
	}
	for i := range a.Locks {
		book := g.ledgers[a.Locks[i].Name]
		book.show(c.id, a.call, a.ret, a.Locks[i].Holders)
		book.queue(a.Locks[i].Waiters)
	}
	return nil
}

// request begins an acquire over the wire, for an owner of its own.
func (c *caller) request(name string, ttl, wait time.Duration) *schema.Acquire {
	ms, owner := ttl.Milliseconds(), c.freshOwner()
	return &schema.Acquire{Name: name, Client: c.name(), Owner: owner, Request: "r-" + owner, TTL: &ms, Wait: wait.Milliseconds()}
}

// obtain acquires a lock over the wire. The token is 0 when it was refused.
func (c *caller) obtain(ctx context.Context, book *ledger, m *schema.Acquire) (a answer, err error) {
	book.begin(c.id, m.Owner, m.Mode, m.Size, false)
	shakes := c.shakes()
	a, err = c.wire.ask(ctx, c.encoding(), schema.VerbAcquire, c.named(), m)
	if err != nil {
		return a, err
	}
	if a.Status == schema.StatusGranted && a.Token == 0 {
		return a, errors.New("granted without a token")
	}
	late := a.Status == schema.StatusHeld && a.sends > 1
	if late { // another copy may be granted yet
		_, err = c.wire.ask(ctx, c.encoding(), schema.VerbCancel, c.named(), &schema.Cancel{Name: m.Name, Client: m.Client, Request: m.Request})
		if err != nil {
			return a, err
		}
	}
	return a, book.end(m.Owner, a.Token, late || c.shakes() != shakes)
}

// named is the client by whose subject a request goes, or none.
func (c *caller) named() string {
	if c.rand.IntN(2) == 0 {
		return ""
	}
	return c.name()
}

// trusts is the trust of a holder who sent its last renewal, or its acquire, at
// an instant.
func trusts(sent, ttl time.Duration) func() bool {
	return func() bool { return now() < sent+ttl*9/10 }
}

// plain acquires and releases over the wire, by token or by owner, and says all
// twice now and then.
func (c *caller) plain(ctx context.Context, g *generation) error {
	book := c.pick(g, famOwn)
	if c.rand.IntN(3) == 0 {
		book = c.pick(g, famHot)
	}
	m := c.request(book.name, time.Minute, time.Hour)
	a, err := c.obtain(ctx, book, m)
	if err != nil || a.Status != schema.StatusGranted {
		return c.over(err, &a)
	}
	v := &visit{token: a.Token, believes: trusts(a.call, time.Minute)}
	if err := book.visit(v); err != nil {
		return err
	}
	pause(ctx, c.chance(4*time.Millisecond))
	if c.rand.IntN(4) == 0 {
		if err := c.again(ctx, book, m, a.Token); err != nil {
			return err
		}
	}
	book.guard.leave(v)
	r := &schema.Release{Name: book.name, Client: c.name(), Token: a.Token}
	if c.rand.IntN(2) == 0 {
		r.Token, r.Owner = 0, m.Owner
	}
	return c.endBy(ctx, book, schema.VerbRelease, r, a.Token)
}

// over is the error of an acquire that waits long and was not granted.
func (c *caller) over(err error, a *answer) error {
	switch {
	case err != nil:
		return err
	case a.Status == schema.StatusNotHeld && a.sends > 1:
		return nil // granted, and over before anybody was there to hear it
	}
	return unexpected(schema.VerbAcquire, a)
}

// again says an acquire once more, as the same attempt or as another of the
// same owner.
func (c *caller) again(ctx context.Context, book *ledger, m *schema.Acquire, token uint64) error {
	repeat, want := *m, schema.StatusGranted
	if c.rand.IntN(2) == 0 {
		repeat.Request, want = repeat.Request+"-again", schema.StatusAlready
	}
	a, err := c.wire.ask(ctx, c.encoding(), schema.VerbAcquire, c.named(), &repeat)
	if err != nil {
		return err
	}
	if a.Status != want || a.Token != token {
		return fmt.Errorf("%s: repeat of %d was answered %s %d: %s", book.name, token, a.Status, a.Token, a.Message)
	}
	book.note(c.id, a.call, a.ret, step{kind: alive, token: token})
	return nil
}

// endBy ends a hold with a request, and writes down what that shows.
func (c *caller) endBy(ctx context.Context, book *ledger, v schema.Verb, m schema.Message, token uint64) error {
	a, err := c.wire.ask(ctx, c.encoding(), v, c.named(), m)
	if err != nil {
		return err
	}
	switch {
	case a.Status == schema.StatusReleased:
		book.note(c.id, a.call, a.ret, step{kind: ended, token: token})
	case a.Status != schema.StatusNotHeld:
		return unexpected(v, &a)
	case a.sends > 1: // the first may have done it
		book.note(c.id, a.call, a.ret, step{kind: lapsed, token: token})
	default:
		book.note(c.id, a.call, a.ret, step{kind: gone, token: token})
	}
	return nil
}

// cancel takes back an acquire while it is on its way.
func (c *caller) cancel(ctx context.Context, g *generation) error {
	book := c.pick(g, famHot)
	m := c.request(book.name, time.Minute, time.Hour)
	book.begin(c.id, m.Owner, m.Mode, m.Size, false)
	shakes := c.shakes()
	type result struct {
		answer
		err error
	}
	acquired := make(chan result, 1)
	encoding := c.encoding()
	go func() {
		a, err := c.wire.ask(ctx, encoding, schema.VerbAcquire, "", m)
		acquired <- result{a, err}
	}()
	pause(ctx, c.chance(50*time.Millisecond))
	canceled, err := c.wire.ask(ctx, c.encoding(), schema.VerbCancel, c.named(), &schema.Cancel{Name: book.name, Client: m.Client, Request: m.Request})
	r := <-acquired
	if err = errors.Join(err, r.err); err != nil {
		return err
	}
	if err := book.end(m.Owner, r.Token, c.shakes() != shakes || r.Token == 0); err != nil {
		return err
	}
	return c.settleCancel(book, &r.answer, &canceled)
}

// settleCancel writes down what an acquire and its cancel show together.
func (c *caller) settleCancel(book *ledger, acquired, canceled *answer) error {
	token := acquired.Token
	switch canceled.Status {
	case schema.StatusCanceled:
		if token != 0 {
			return fmt.Errorf("%s: canceled, and granted %d", book.name, token)
		}
		return nil
	case schema.StatusReleased, schema.StatusNotHeld:
	default:
		return unexpected(schema.VerbCancel, canceled)
	}
	switch {
	case token == 0 && acquired.Status != schema.StatusCanceled && acquired.Status != schema.StatusNotHeld:
		return unexpected(schema.VerbAcquire, acquired)
	case token == 0:
		return nil
	case canceled.Status == schema.StatusReleased:
		book.note(c.id, canceled.call, canceled.ret, step{kind: ended, token: token})
	default: // the first may have done it, or an undo
		book.note(c.id, acquired.call, canceled.ret, step{kind: lapsed, token: token})
	}
	return nil
}

// forced holds a lock, or ends the hold of whoever has it.
func (c *caller) forced(ctx context.Context, g *generation) error {
	book := c.pick(g, famForced)
	if c.rand.IntN(2) == 0 {
		m := c.request(book.name, time.Minute, time.Hour)
		a, err := c.obtain(ctx, book, m)
		if err != nil || a.Status != schema.StatusGranted {
			return c.over(err, &a)
		}
		pause(ctx, c.chance(100*time.Millisecond))
		return c.endBy(ctx, book, schema.VerbRelease, &schema.Release{Name: book.name, Client: c.name(), Token: a.Token}, a.Token)
	}
	m := c.request(book.name, time.Minute, 0)
	a, err := c.obtain(ctx, book, m)
	switch {
	case err != nil:
		return err
	case a.Status == schema.StatusGranted:
		return c.endBy(ctx, book, schema.VerbRelease, &schema.Release{Name: book.name, Client: c.name(), Token: a.Token}, a.Token)
	case a.Status == schema.StatusNotHeld && a.sends > 1:
		return nil
	case a.Status != schema.StatusHeld || len(a.Holders) != 1:
		return unexpected(schema.VerbAcquire, &a)
	}
	book.show(c.id, a.call, a.ret, a.Holders)
	token := a.Holders[0].Token
	return c.endBy(ctx, book, schema.VerbForce, &schema.Force{Name: book.name, Client: c.name(), Token: token, Reason: "soak"}, token)
}

// keep holds a lock for long and renews it over the wire: a hold that is renewed
// in time is never lost.
func (c *caller) keep(ctx context.Context, g *generation) error {
	book := c.pick(g, famKept)
	m := c.request(book.name, wireTTL, 0)
	a, err := c.obtain(ctx, book, m)
	switch {
	case err != nil:
		return err
	case a.Status == schema.StatusHeld:
		book.show(c.id, a.call, a.ret, a.Holders)
		return nil
	case a.Status != schema.StatusGranted:
		return c.over(nil, &a)
	}
	sent := a.call
	for range 1 + c.rand.IntN(4) {
		pause(ctx, wireTTL/3)
		late := now()-sent > wireTTL/2 // the caller's own fault
		r, err := c.wire.ask(ctx, c.encoding(), schema.VerbRenew, c.named(), &schema.Renew{Name: book.name, Client: c.name(), Token: a.Token})
		switch {
		case err != nil:
			return err
		case r.Status == schema.StatusNotHeld && late:
			book.note(c.id, sent+wireTTL, r.ret, step{kind: lapsed, token: a.Token})
			return nil
		case r.Status == schema.StatusNotHeld:
			return fmt.Errorf("%s: hold %d was lost, renewed %s after it was granted or renewed", book.name, a.Token, r.call-sent)
		case r.Status != schema.StatusRenewed:
			return unexpected(schema.VerbRenew, &r)
		}
		book.note(c.id, r.call, r.ret, step{kind: alive, token: a.Token})
		sent = r.call
	}
	return c.endBy(ctx, book, schema.VerbRelease, &schema.Release{Name: book.name, Client: c.name(), Token: a.Token}, a.Token)
}
