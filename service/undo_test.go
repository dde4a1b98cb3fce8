package service_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// leave sends m from an inbox that nobody listens to by the time of the answer.
func (b *bubble) leave(m *schema.Acquire) {
	b.t.Helper()
	gone := b.listen()
	gone.send(m)
	b.settle()
	gone.close()
}

func TestGrantThatNobodyHearsIsUndone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		inbox := b.nc.NewInbox()
		dead := &pending{caller: b.caller, sub: &nats.Subscription{Subject: inbox}}
		dead.send(&schema.Acquire{Name: "a", Client: "dead"})
		b.settle()
		b.wantHolders("a")
	})
}

func TestDeadWaiterIsPassedOver(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		b.leave(&schema.Acquire{Name: "a", Client: "dead", Wait: 60_000})
		b.leave(&schema.Acquire{Name: "a", Client: "dead too", Wait: 60_000})
		next := b.send(&schema.Acquire{Name: "a", Client: "alive", Wait: 60_000})
		b.settle()
		b.unlock("a", token)
		begin := time.Now()
		next.want(schema.StatusGranted)
		if took := time.Since(begin); took > 0 {
			t.Errorf("a dead caller held up the next by %s", took)
		}
		b.wantWaiters("a", "dead", "dead too")
	})
}

func TestParkedWaiterReturnsToItsPlace(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		m := &schema.Acquire{Name: "a", Client: "back", Request: "r", Wait: 60_000}
		b.leave(m)
		second := b.send(&schema.Acquire{Name: "a", Client: "second", Wait: 60_000})
		b.settle()
		third := b.send(&schema.Acquire{Name: "a", Client: "third", Wait: 60_000})
		b.settle()
		b.unlock("a", token)
		two := second.want(schema.StatusGranted)
		b.settle()
		back := b.send(m)
		b.settle()
		b.wantWaiters("a", "back", "third")
		b.unlock("a", two.Token)
		one := back.want(schema.StatusGranted)
		b.unlock("a", one.Token)
		third.want(schema.StatusGranted)
	})
}

func TestParkedWaiterTimesOut(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		m := &schema.Acquire{Name: "a", Client: "dead", Request: "r", Wait: 20_000}
		b.leave(m)
		b.unlock("a", token)
		b.settle()
		b.wantWaiters("a", "dead")
		b.pass(22 * time.Second)
		b.wantWaiters("a")
		b.want(schema.StatusTimeout, m)
	})
}

// A grant that nobody heard does not prolong the wait, and neither does the next.
func TestParkedWaiterGoesOnWaitingWhereItWas(t *testing.T) {
	for _, m := range []*schema.Acquire{
		{Name: "a", Client: "dead", Request: "r", Wait: 20_000},
		{Names: []string{"a", "b"}, Client: "dead", Request: "r", Wait: 20_000},
	} {
		for _, mode := range []schema.Mode{schema.ModeExclusive, schema.ModeShared} {
			inBubble(t, func(b *bubble) {
				m := *m
				m.Mode = mode
				token := b.lock(&schema.Acquire{Name: "a"})
				b.leave(&m)
				b.pass(8 * time.Second)
				b.unlock("a", token)
				b.settle()
				b.wantHolders("a")
				b.wantWaiters("a", "dead")
				// It comes back, and is gone again.
				token = b.lock(&schema.Acquire{Name: "a", Client: "quick"})
				b.leave(&m)
				b.pass(8 * time.Second)
				b.unlock("a", token)
				b.pass(3 * time.Second)
				b.wantWaiters("a", "dead")
				b.pass(2 * time.Second)
				b.wantWaiters("a")
				b.want(schema.StatusTimeout, &m)
			})
		}
	}
}

func TestAParkedWaiterDoesNotKeepTheLockFromOthers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		b.leave(&schema.Acquire{Name: "a", Client: "dead", Wait: 60_000})
		b.unlock("a", token)
		b.settle()
		b.lock(&schema.Acquire{Name: "a", Client: "quick"})
	})
}

func TestRepeatFromANewInboxSavesTheGrantFromAnOldUndo(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r", Wait: 60_000}
		token := b.lock(&schema.Acquire{Name: "a"})
		b.leave(m)
		back := b.send(m)
		b.settle()
		b.unlock("a", token)
		back.want(schema.StatusGranted)
		b.settle()
		b.wantHolders("a", "x")
	})
}

// A caller that stops listening at the first answer, while a repeat of its own
// is still on its way, keeps its hold: it was told.
func TestRepeatThatFindsNobodyUndoesNothingThatWasTold(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for _, m := range []*schema.Acquire{
			{Name: "a", Client: "x", Request: "r"},
			{Names: []string{"b", "c"}, Client: "x", Request: "r"},
		} {
			p := b.send(m)
			p.want(schema.StatusGranted)
			p.send(m)
			p.close()
			b.settle()
		}
		for _, name := range []string{"a", "b", "c"} {
			b.wantHolders(name, "x")
		}
	})
}

func TestGrantOfSeveralNamesThatNobodyHearsIsUndone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		busy := b.lock(&schema.Acquire{Name: "b"})
		m := &schema.Acquire{Names: []string{"c", "a", "b"}, Client: "back", Request: "r", Wait: 60_000}
		b.leave(m)
		next := b.send(&schema.Acquire{Name: "c", Client: "next", Wait: 10_000})
		c := next.want(schema.StatusGranted)
		writes := b.countWrites()
		b.unlock("b", busy)
		b.unlock("c", c.Token)
		b.settle()
		if got := writes(); !equal(got, []string{"test.b", "test.c", "test.a test.b test.c", "test.a test.b test.c"}) {
			t.Errorf("writes %q", got)
		}
		for _, name := range []string{"a", "b", "c"} {
			b.wantHolders(name)
		}
		b.wantWaiters("a", "back")
		b.lock(&schema.Acquire{Name: "b", Client: "quick", TTL: ms(1000)})
		back := b.send(m)
		b.settle()
		back.want(schema.StatusGranted)
		b.settle()
		b.wantHolders("c", "back")
	})
}

func TestUndoOfSeveralNamesLeavesWhatWasHeldBefore(t *testing.T) {
	for _, before := range []string{"a", "b", "c"} {
		inBubble(t, func(b *bubble) {
			b.lock(&schema.Acquire{Name: before, Client: "x", Owner: "o"})
			gone := &pending{caller: b.caller, sub: &nats.Subscription{Subject: b.nc.NewInbox()}}
			gone.send(&schema.Acquire{Names: []string{"c", "a", "b"}, Client: "x", Owner: "o", Request: "r"})
			b.settle()
			for _, name := range []string{"a", "b", "c"} {
				if name == before {
					b.wantHolders(name, "x")
				} else {
					b.wantHolders(name)
				}
			}
		})
	}
}

// A set whose first name its owner held already is noted elsewhere when it is
// undone, and comes back from there.
func TestParkedSetReturnsWhereverItIsNoted(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", TTL: ms(1_000_000)})
		busy := b.lock(&schema.Acquire{Name: "b", Client: "y"})
		m := &schema.Acquire{Names: []string{"a", "b", "c"}, Client: "x", Owner: "o", Request: "r", Wait: 600_000}
		b.leave(m)
		b.unlock("b", busy)
		b.settle()
		b.wantHolders("b")
		b.wantHolders("c")
		busy = b.lock(&schema.Acquire{Name: "c", Client: "y"})
		back := b.send(m)
		b.settle()
		back.silent(0)
		b.unlock("c", busy)
		all := back.want(schema.StatusGranted)
		if len(all.Locks) != 3 {
			t.Errorf("locks %+v", all.Locks)
		}
		b.want(schema.StatusReleased, &schema.Cancel{Name: "c", Client: "x", Request: "r"})
		b.wantHolders("a", "x")
		b.wantHolders("b")
	})
}

// deadly returns a caller whose inbox nobody listens to.
func (b *bubble) deadly() *pending {
	return &pending{caller: b.caller, sub: &nats.Subscription{Subject: b.nc.NewInbox()}}
}

func TestGrantIsUndoneWhenNobodyHearsItsRepeatEither(t *testing.T) {
	for _, m := range []*schema.Acquire{
		{Name: "a", Client: "dead", Request: "r"},
		{Names: []string{"b", "a"}, Client: "dead", Request: "r"},
	} {
		inBubble(t, func(b *bubble) {
			dead := b.deadly()
			for range 4 {
				dead.send(m)
			}
			b.settle()
			b.wantHolders("a")
			b.wantHolders("b")
		})
	}
}

func TestDeadWaiterThatRepeatedHoldsUpNobody(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		m := &schema.Acquire{Name: "a", Client: "dead", Request: "r", Wait: 60_000}
		gone := b.listen()
		gone.send(m)
		b.settle()
		next := b.send(&schema.Acquire{Name: "a", Client: "next", Wait: 60_000})
		b.settle()
		gone.close()
		// The repeat is folded behind the release, and so finds the grant.
		b.send(&schema.Release{Name: "a", Token: token})
		gone.send(m)
		b.settle()
		next.want(schema.StatusGranted)
		b.wantWaiters("a", "dead")
	})
}

// The news that nobody heard the first answer comes when the second was given.
func TestGrantStaysWhenItsRepeatIsHeard(t *testing.T) {
	for _, m := range []*schema.Acquire{
		{Name: "a", Client: "x", Request: "r"},
		{Names: []string{"b", "a"}, Client: "x", Request: "r"},
	} {
		inBubble(t, func(b *bubble) {
			dead := b.deadly()
			dead.send(m)
			alive := b.send(m)
			dead.send(m)
			alive.want(schema.StatusGranted)
			b.settle()
			b.wantHolders("a", "x")
		})
	}
}

func TestRepeatsOfALivingHoldAreWrittenSoOftenAndNoMore(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r"}
		token := b.lock(m)
		writes := b.countWrites()
		for range 20 {
			if again := b.lock(m); again != token {
				t.Errorf("token %d, then %d", token, again)
			}
		}
		if got := len(writes()); got != 8 {
			t.Errorf("%d writes", got)
		}
	})
}
