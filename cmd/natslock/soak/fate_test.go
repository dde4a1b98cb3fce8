//go:build linux

package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/natslock/natslock/schema"
)

const (
	lines    = 5               // of mortals: when one has died, the next is born
	buryIn   = 4 * time.Second // after its TTL, what the dead held is free: 1 s, and the rest for a slow machine
	mortalID = 1_000_000       // of their lives, as clients in histories
)

// fates are mortals, one after another, and what happens to them. They know where to
// find the lock books, and who looks at the locks for the dead.
type fates struct {
	soak  *soak
	chaos *chaos
	wire  *wire
	line  int
	rand  *rand.Rand
	lives atomic.Uint64
	apart atomic.Bool // the mortal does not reach the server
}

// run lets mortals live and die until the trouble is over, and waits until nothing
// is left of them.
func (f *fates) run(ctx, trouble context.Context) error {
	gate, err := newGate(f.chaos.addr)
	if err != nil {
		return err
	}
	var errs error
	for trouble.Err() == nil && errs == nil {
		errs = f.one(ctx, trouble, gate)
	}
	if err := gate.close(); errs == nil {
		errs = err
	}
	return errs
}

// one is born, works, and dies.
func (f *fates) one(ctx, trouble context.Context, gate *gate) error {
	m, err := born(gate.addr)
	if err != nil {
		return err
	}
	failures := make(chan error, lives)
	var work sync.WaitGroup
	working, stop := context.WithCancel(trouble)
	for i := range lives {
		work.Go(func() { failures <- f.live(ctx, working, m, i) })
	}
	f.befall(trouble, m, gate)
	stop()
	gate.set(false, false)
	work.Wait()
	err = m.retire()
	for range lives {
		if failed := <-failures; failed != nil {
			err = failed
		}
	}
	return err
}

// befall does to a mortal what can happen to a client, one thing or two.
func (f *fates) befall(trouble context.Context, m *mortal, gate *gate) {
	for {
		pause(trouble, 300*time.Millisecond+f.chance(2500*time.Millisecond))
		long := mortalTTL/2 + f.chance(2*mortalTTL)
		switch n := f.rand.IntN(10); {
		case trouble.Err() != nil:
			return
		case n < 4:
			f.count("killed")
			m.signal(syscall.SIGKILL)
			return
		case n < 6:
			f.count("stopped")
			m.signal(syscall.SIGSTOP)
			pause(trouble, long)
			if n == 4 {
				m.signal(syscall.SIGKILL)
				return
			}
			m.signal(syscall.SIGCONT)
		case n < 9:
			f.count([]string{"cut off", "cut off", "disconnected"}[n-6])
			f.apart.Store(true)
			gate.set(n < 8, n == 8)
			pause(trouble, long)
			f.apart.Store(false)
			if n == 6 {
				m.signal(syscall.SIGKILL)
				return
			}
			gate.set(false, false)
		default:
			f.count("retired")
			return
		}
	}
}

func (f *fates) chance(d time.Duration) time.Duration { return time.Duration(f.rand.Int64N(int64(d))) }

// count counts what has happened to mortals.
func (f *fates) count(what string) {
	f.soak.fated.mu.Lock()
	defer f.soak.fated.mu.Unlock()
	if f.soak.fated.times == nil {
		f.soak.fated.times = map[string]int{}
	}
	f.soak.fated.times[what]++
}

// live has a mortal take one lock after another.
func (f *fates) live(ctx, working context.Context, m *mortal, life int) error {
	r := rand.New(rand.NewPCG(*seed, mortalID+f.lives.Add(1)<<8+uint64(f.line)))
	for working.Err() == nil {
		g := f.soak.enter()
		t := term{f: f, m: m, life: life, book: g.ledgers[lockName(famMortal, g.number, r.IntN(families[famMortal]))]}
		t.owner = fmt.Sprintf("m%d-%d-%d", f.line, life, f.lives.Add(1))
		dead, err := t.serve(ctx, r)
		if dead && err == nil {
			err = t.bury(ctx)
		}
		g.users.Done()
		if err != nil {
			return fmt.Errorf("a mortal, %s of %s: %w", t.owner, t.book.name, err)
		}
		if dead {
			return nil
		}
	}
	return nil
}

// term is a mortal's use of one lock.
type term struct {
	f     *fates
	m     *mortal
	life  int
	book  *ledger
	owner string
	token uint64        // 0: it was told of none
	sure  time.Duration // when it certainly held it yet
}

func (t *term) id() int { return mortalID + t.f.line*lives + t.life }

// serve acquires, holds for a while, and releases.
func (t *term) serve(ctx context.Context, r *rand.Rand) (dead bool, err error) {
	how := "wait"
	if r.IntN(4) == 0 {
		how = "try"
	}
	t.book.begin(t.id(), t.owner, "", 0, false)
	answer, dead := t.m.order(t.life, how, t.book.name, t.owner)
	token, granted := strings.CutPrefix(answer, "granted ")
	if dead || !granted {
		t.book.abandon(t.owner)
		return dead, nil
	}
	if t.token, err = strconv.ParseUint(token, 10, 64); err != nil {
		return false, err
	}
	t.sure = now()
	if err := t.book.end(t.owner, t.token, true); err != nil {
		return false, err
	}
	// Who is cut off meanwhile holds on, for as long as it believes that it may, while
	// others see who really does.
	for end := now() + time.Duration(r.Int64N(int64(600*time.Millisecond))); now() < end || t.f.apart.Load(); {
		pause(ctx, 50*time.Millisecond)
		if t.f.apart.Load() {
			l, a, err := t.inspect(ctx)
			if err != nil {
				return false, err
			}
			t.book.show(t.id(), a.call, a.ret, l.Holders)
		}
		call := now()
		switch answer, dead := t.m.order(t.life, "look"); {
		case dead:
			return true, nil
		case answer == "held":
			t.book.note(t.id(), call, now(), step{kind: alive, token: t.token})
			t.sure = call
		default:
			return false, t.over(ctx)
		}
	}
	if t.life == lives-1 && r.IntN(2) == 0 { // its session is its own
		return t.leave(ctx)
	}
	call := now()
	switch answer, dead := t.m.order(t.life, "release"); {
	case dead:
		return true, nil
	case answer == "released": // perhaps by a copy
		t.book.note(t.id(), call, now(), step{kind: lapsed, token: t.token})
		return false, nil
	case answer == "lost":
		return false, t.over(ctx)
	default:
		return false, fmt.Errorf("release: %s", answer)
	}
}

// leave ends its session, and makes sure that the hold is over with that.
func (t *term) leave(ctx context.Context) (dead bool, err error) {
	answer, dead := t.m.order(t.life, "leave")
	left := now()
	switch {
	case dead:
		return true, nil
	case answer == "perhaps":
		return false, t.bury(ctx)
	case answer != "left":
		return false, fmt.Errorf("leave: %s", answer)
	}
	t.f.count("left")
	t.book.note(t.id(), t.sure, left, step{kind: lapsed, token: t.token})
	l, _, err := t.inspect(ctx)
	if err == nil && t.known(&l) {
		err = fmt.Errorf("its session has left and the lock is %+v", l)
	}
	return false, err
}

// inspect looks at the lock.
func (t *term) inspect(ctx context.Context) (l schema.LockState, a answer, err error) {
	a, err = t.f.wire.ask(ctx, schema.JSON, schema.VerbInspect, "", &schema.Inspect{Name: t.book.name})
	if err == nil && len(a.Locks) != 1 {
		err = unexpected(schema.VerbInspect, &a)
	}
	if err == nil {
		l = a.Locks[0]
	}
	return l, a, err
}

// over makes sure that a hold which was lost is over.
func (t *term) over(ctx context.Context) error {
	a, err := t.f.wire.ask(ctx, schema.JSON, schema.VerbRelease, "", &schema.Release{Name: t.book.name, Token: t.token})
	if err != nil {
		return err
	}
	t.book.note(t.id(), t.sure, a.ret, step{kind: lapsed, token: t.token})
	return nil
}

// bury waits until the lock knows nothing of the dead any more: not for longer than
// its TTL since it died, or since the server has last been well.
func (t *term) bury(ctx context.Context) error {
	died := now()
	for {
		well := t.f.chaos.wellSince()
		l, a, err := t.inspect(ctx)
		if err != nil {
			return err
		}
		if !t.known(&l) {
			if t.token != 0 {
				t.book.note(t.id(), t.sure, a.ret, step{kind: lapsed, token: t.token})
			}
			return nil
		}
		if late := a.call - max(died, well) - mortalTTL; late > buryIn && well == t.f.chaos.wellSince() {
			return fmt.Errorf("%s after its TTL is over, the lock is %+v", late, l)
		}
		pause(ctx, 100*time.Millisecond)
	}
}

// known tells whether the dead holds the lock or waits for it.
func (t *term) known(l *schema.LockState) bool {
	for i := range l.Holders {
		if l.Holders[i].Owner == t.owner {
			return true
		}
	}
	for i := range l.Waiters {
		if l.Waiters[i].Owner == t.owner {
			return true
		}
	}
	return false
}
