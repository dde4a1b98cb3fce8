package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

func TestAcquireTellsAllAboutTheGrant(t *testing.T) {
	inBubble(t, func(b *bubble) {
		r := b.want(schema.StatusGranted, &schema.Acquire{Name: "a", Client: "x"})
		if r.Name != "a" || r.Token < 256 || r.Owner == "" || *r.TTL != 30_000 || *r.Count != 1 || r.Message != "" {
			t.Errorf("%+v", r)
		}
		other := b.want(schema.StatusGranted, &schema.Acquire{Name: "b", Client: "x", Owner: "o", TTL: ms(10)})
		if other.Owner != "o" || *other.TTL != 10 || other.Token <= r.Token {
			t.Errorf("%+v", other)
		}
	})
}

func TestHeldLockIsRefusedAndItsHolderNamed(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", Meta: schema.Meta(`{"k":"v"}`)})
		b.pass(10 * time.Second)
		r := b.want(schema.StatusHeld, &schema.Acquire{Name: "a", Client: "y"})
		if r.Name != "a" || r.Message == "" || r.Token != 0 || len(r.Holders) != 1 {
			t.Fatalf("%+v", r)
		}
		h := r.Holders[0]
		if h.Client != "x" || h.Owner != "o" || h.Token != token || h.TTL != 30_000 || *h.ExpiresIn != 20_000 || string(h.Meta) != `{"k":"v"}` {
			t.Errorf("holder %+v", h)
		}
	})
}

func TestReleaseGrantsWaitersInOrderOfArrival(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		var waiting []*pending
		for i := range 20 {
			waiting = append(waiting, b.send(&schema.Acquire{Name: "a", Client: fmt.Sprint(i), Wait: 60_000}))
			if i%3 == 0 {
				b.settle()
			}
		}
		for _, p := range waiting {
			p.silent(0)
			b.unlock("a", token)
			next := p.want(schema.StatusGranted)
			if next.Token <= token {
				b.t.Fatalf("token %d after %d", next.Token, token)
			}
			token = next.Token
		}
	})
}

func TestNobodyOvertakesAWaiter(t *testing.T) {
	inBubble(t, func(b *bubble) {
		shared := func(client string) *schema.Acquire {
			return &schema.Acquire{Name: "a", Client: client, Mode: schema.ModeShared}
		}
		one := b.lock(shared("one"))
		writer := b.send(&schema.Acquire{Name: "a", Client: "writer", Wait: 60_000})
		b.settle()
		b.want(schema.StatusHeld, shared("two"))
		late := shared("late")
		late.Wait = 60_000
		var readers []*pending
		for range 3 {
			readers = append(readers, b.send(late))
		}
		b.settle()
		b.unlock("a", one)
		w := writer.want(schema.StatusGranted)
		readers[0].silent(0)
		b.unlock("a", w.Token)
		for i, p := range readers {
			if r := p.want(schema.StatusGranted); *r.Count != int64(i+1) {
				t.Errorf("count %d of reader %d", *r.Count, i)
			}
		}
	})
}

func TestWaitTimesOut(t *testing.T) {
	for _, wait := range []int64{1, 50, 5000, 600_000} {
		inBubble(t, func(b *bubble) {
			b.lock(&schema.Acquire{Name: "a", TTL: ms(86_400_000)})
			begin := time.Now()
			m := &schema.Acquire{Name: "a", Client: "x", Request: "r", Wait: wait}
			if r := b.want(schema.StatusTimeout, m); r.Name != "a" || r.Message == "" {
				t.Errorf("%+v", r)
			}
			took, want := time.Since(begin), time.Duration(wait)*time.Millisecond
			if took < want || took > want+time.Second {
				t.Errorf("a wait of %s ended after %s", want, took)
			}
			b.wantWaiters("a")
			b.want(schema.StatusTimeout, m)
		})
	}
}

func TestSizeBoundsTheHolders(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Mode: schema.ModeShared, Size: 3}
		var tokens []uint64
		for i := range 3 {
			r := b.want(schema.StatusGranted, m)
			if *r.Count != int64(i+1) {
				t.Errorf("count %d", *r.Count)
			}
			tokens = append(tokens, r.Token)
		}
		b.want(schema.StatusHeld, m)
		b.want(schema.StatusSizeMismatch, &schema.Acquire{Name: "a", Mode: schema.ModeShared, Size: 4})
		b.want(schema.StatusHeld, &schema.Acquire{Name: "a"})
		waiting := *m
		waiting.Wait = 60_000
		next := b.send(&waiting)
		b.settle()
		b.unlock("a", tokens[1])
		next.want(schema.StatusGranted)
		if s := b.state("a"); s.Mode != schema.ModeShared || s.Size != 3 || len(s.Holders) != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestWaiterWhoseSizeDoesNotFitIsToldAtItsTurn(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		var waiting []*pending
		for _, size := range []int64{2, 3, 2} {
			waiting = append(waiting, b.send(&schema.Acquire{Name: "a", Mode: schema.ModeShared, Size: size, Wait: 60_000}))
			b.settle()
		}
		b.unlock("a", token)
		waiting[0].want(schema.StatusGranted)
		waiting[1].want(schema.StatusSizeMismatch)
		waiting[2].want(schema.StatusGranted)
	})
}

func TestOwnerThatHoldsItAlreadyIsLetInAgain(t *testing.T) {
	inBubble(t, func(b *bubble) {
		one := b.want(schema.StatusGranted, &schema.Acquire{Name: "a", Client: "x", Owner: "o", Meta: schema.Meta(`{"a":1,"b":1}`)})
		b.send(&schema.Acquire{Name: "a", Client: "y", Wait: 60_000})
		b.settle()
		two := b.want(schema.StatusAlready, &schema.Acquire{Name: "a", Client: "x", Owner: "o", TTL: ms(5000), Meta: schema.Meta(`{"b":2}`)})
		if two.Token != one.Token || *two.TTL != 5000 || *two.Count != 1 {
			t.Errorf("%+v, then %+v", one, two)
		}
		if got := string(b.state("a").Holders[0].Meta); got != `{"a":1,"b":2}` {
			t.Errorf("meta %s", got)
		}
		b.want(schema.StatusSizeMismatch, &schema.Acquire{Name: "a", Client: "x", Owner: "o", Mode: schema.ModeShared})
		b.want(schema.StatusHeld, &schema.Acquire{Name: "a", Client: "z", Owner: "o"})
		b.want(schema.StatusHeld, &schema.Acquire{Name: "a", Client: "x", Owner: "other"})
		b.want(schema.StatusReleased, &schema.Release{Name: "a", Client: "x", Owner: "o"})
		b.wantHolders("a", "y")
	})
}

func TestRepeatOfALivingHoldHasTheSameToken(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r"}
		one := b.want(schema.StatusGranted, m)
		b.send(&schema.Acquire{Name: "a", Client: "y", Wait: 60_000})
		b.settle()
		two := b.want(schema.StatusGranted, m)
		// Other fields of a repeat are not looked at.
		three := b.want(schema.StatusGranted, &schema.Acquire{Name: "a", Client: "x", Request: "r", Owner: "z", Mode: schema.ModeShared, TTL: ms(10)})
		if one.Token != two.Token || one.Token != three.Token || one.Owner != three.Owner || *three.TTL != 30_000 {
			t.Errorf("%+v, %+v, %+v", one, two, three)
		}
		b.want(schema.StatusHeld, &schema.Acquire{Name: "a", Client: "z", Request: "r"})
		b.unlock("a", one.Token)
		b.want(schema.StatusNotHeld, m)
	})
}

func TestRepeatOfAWaitMovesTheAnswerToTheNewestInbox(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r", Wait: 60_000}
		old := b.send(m)
		b.settle()
		b.wantWaiters("a", "x")
		fresh := b.send(m)
		b.settle()
		fresh.send(m) // on the same inbox nothing changes
		b.settle()
		b.wantWaiters("a", "x")
		b.unlock("a", token)
		fresh.want(schema.StatusGranted)
		fresh.silent(time.Minute)
		old.silent(0)
	})
}

func TestARefusalLeavesNothingBehind(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r"}
		b.want(schema.StatusHeld, m)
		b.unlock("a", token)
		b.want(schema.StatusGranted, m)
	})
}

func TestAnEndedAttemptIsRememberedForAMinute(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r"}
		b.unlock("a", b.lock(m))
		b.pass(59 * time.Second)
		b.want(schema.StatusNotHeld, m)
		b.pass(2 * time.Second)
		b.want(schema.StatusGranted, m)
	})
}

// What expires in a file of nats-server leaves what was there before it.
func TestNoRecordOfALockExpires(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.Fail(func(writes []bus.Write) bustest.Fault {
			for _, w := range writes {
				if w.TTL != 0 {
					t.Errorf("%s has a TTL of %s", w.Key, w.TTL)
				}
			}
			return bustest.Fault{}
		})
		for i := range 100 {
			name := fmt.Sprint(i)
			b.unlock(name, b.lock(&schema.Acquire{Name: name}))
		}
		b.pass(61 * time.Second)
		last := b.lock(&schema.Acquire{Name: "1"})
		b.pass(20 * time.Second)
		if s := b.state("1"); !*s.Held || s.Holders[0].Token != last {
			t.Errorf("%+v", s)
		}
	})
}

func TestTokensGrowFromGrantToGrant(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		var last uint64
		for i := range 300 {
			token := b.lock(&schema.Acquire{Name: "a", Client: "x"})
			if token <= last {
				b.t.Fatalf("grant %d has the token %d after %d", i, token, last)
			}
			last = token
			b.unlock("a", token)
			if i%100 == 99 {
				b.pass(2 * time.Minute)
			}
		}
	})
}

func TestAnAcquireWithoutAnInboxIsIgnored(t *testing.T) {
	inBubble(t, func(b *bubble) {
		body := schema.Append(nil, schema.JSON, &schema.Acquire{Name: "a"})
		if err := b.nc.Publish("lock.test.acquire", body); err != nil {
			b.t.Fatal(err)
		}
		b.settle()
		b.wantHolders("a")
	})
}

func TestAFreshAcquireChangesNoHold(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := schema.Acquire{Name: "a", Client: "x", Owner: "o", TTL: ms(10_000), Meta: schema.Meta(`{"k":1}`), Fresh: true}
		token := b.lock(&m)
		b.pass(4 * time.Second)
		again := m
		again.Meta = schema.Meta(`{"k":2}`)
		r := b.want(schema.StatusAlready, &again)
		if r.Token != token || len(r.Holders) != 1 || string(r.Holders[0].Meta) != `{"k":1}` {
			t.Errorf("%+v", r)
		}
		if h := b.state("a").Holders[0]; *h.ExpiresIn != 6000 || string(h.Meta) != `{"k":1}` {
			t.Errorf("%+v", h)
		}
		b.want(schema.StatusHeld, &schema.Acquire{Name: "a", Client: "y", Owner: "o", Fresh: true})
	})
}
