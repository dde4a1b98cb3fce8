package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

func TestALockTakesAThousandHoldersAndWaiters(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", TTL: ms(86_400_000)})
		all := b.listen()
		for i := range 1100 {
			all.send(&schema.Acquire{Name: "a", Client: "w", Request: fmt.Sprint(i), Wait: 86_400_000})
		}
		for range 101 {
			if r := all.want(schema.StatusLimit); !strings.Contains(r.Message, "1000") {
				b.t.Fatalf("message %q", r.Message)
			}
		}
		all.silent(time.Second)
		if n := len(b.state("a").Waiters); n != 999 {
			t.Errorf("%d waiters, want 999", n)
		}
		// Whatever makes it smaller works.
		b.want(schema.StatusLimit, &schema.Acquire{Name: "a", Wait: 1000})
		b.want(schema.StatusCanceled, &schema.Cancel{Name: "a", Client: "w", Request: "7"})
		all.want(schema.StatusCanceled)
		last := b.send(&schema.Acquire{Name: "a", Client: "last", Wait: 86_400_000})
		b.settle()
		for range 998 {
			b.unlock("a", token)
			token = all.want(schema.StatusGranted).Token
		}
		b.unlock("a", token)
		last.want(schema.StatusGranted)
	})
}

// More waiters than one write can grant are let in by the writes that follow.
func TestAThousandSharedWaitersAreLetInTogether(t *testing.T) {
	inBubble(t, func(b *bubble) {
		all, token := b.crowd()
		b.unlock("a", token)
		wantDifferent(b.t, all, 900)
	})
}

// So many grants at once take several writes, and what did not fit into the
// first goes into the next in the order in which it came.
func TestManyGrantsAtOnceTakeSeveralWrites(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.unlock("a", b.lock(&schema.Acquire{Name: "a"}))
		writes := b.countWrites()
		b.store.SetDown(true)
		all := b.listen()
		for i := range 900 {
			all.send(&schema.Acquire{Name: "a", Client: fmt.Sprint(i), Mode: schema.ModeShared})
		}
		b.settle()
		b.store.SetDown(false)
		var last uint64
		for i := range 900 {
			r := all.want(schema.StatusGranted)
			if r.Token <= last || *r.Count < int64(i+1) {
				b.t.Fatalf("grant %d: %+v after the token %d", i, r, last)
			}
			last = r.Token
		}
		if n := len(writes()); n < 4 || n > 10 {
			t.Errorf("%d writes", n)
		}
	})
}

// If the worker that began has gone another goes on, one that starts or one that
// was there.
func TestAnotherWorkerGoesOnLettingIn(t *testing.T) {
	for _, starts := range []bool{true, false} {
		inBubble(t, func(b *bubble) {
			all, token := b.crowd()
			b.workers[0].stop(b.t)
			// The first write of the next worker is its last.
			var dying awayWrites
			dying.Store = b.store
			b.start(&dying, nil)
			dying.left.Store(1)
			b.unlock("a", token)
			if starts {
				b.workers[1].stop(b.t)
			}
			b.start(b.store, nil)
			wantDifferent(b.t, all, 900)
			dying.left.Store(1000)
		})
	}
}

// crowd lets 900 shared waiters wait for the lock a, which is held.
func (b *bubble) crowd() (all *pending, token uint64) {
	b.t.Helper()
	token = b.lock(&schema.Acquire{Name: "a", TTL: ms(86_400_000)})
	all = b.listen()
	for i := range 900 {
		all.send(&schema.Acquire{Name: "a", Client: fmt.Sprint(i), Mode: schema.ModeShared, Wait: 86_400_000})
	}
	b.pass(time.Second)
	return all, token
}

func wantDifferent(t *testing.T, all *pending, n int) {
	t.Helper()
	seen := map[uint64]bool{}
	for range n {
		seen[all.want(schema.StatusGranted).Token] = true
	}
	if len(seen) != n {
		t.Errorf("%d different tokens, want %d", len(seen), n)
	}
}

func TestALockQueuesSoManyRequests(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: time.Second} })
		all := b.listen()
		for range 5000 {
			all.send(&schema.Renew{Name: "a", Token: token})
		}
		limited, renewed := 0, 0
		for range 5000 {
			switch r := all.reply(); r.Status {
			case schema.StatusRenewed:
				renewed++
			case schema.StatusLimit:
				limited++
			default:
				b.t.Fatalf("%+v", r)
			}
		}
		if renewed < 4096 || renewed > 4200 {
			t.Errorf("%d renewed, %d refused", renewed, limited)
		}
		b.store.Fail(nil)
		b.unlock("a", token)
	})
}

func TestAWorkerDecidesSoManyRequestsAtOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const locks, each = 7, 3000
		var renewals [locks]*schema.Renew
		for i := range renewals {
			name := fmt.Sprint(i)
			renewals[i] = &schema.Renew{Name: name, Token: b.lock(&schema.Acquire{Name: name})}
		}
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: time.Second} })
		all := b.connect(nats.SyncQueueLen(locks * each)).listen()
		for range each {
			for _, m := range renewals {
				all.send(m)
			}
		}
		b.settle()
		b.want(schema.StatusLimit, &schema.Acquire{Names: []string{"x", "y"}})
		count := map[schema.Status]int{}
		for range locks * each {
			count[all.reply().Status]++
		}
		if count[schema.StatusRenewed] != 20_000 || count[schema.StatusLimit] != locks*each-20_000 {
			t.Errorf("%v", count)
		}
		b.store.Fail(nil)
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"x", "y"}})
	})
}

func TestMetaIsBoundedAlsoWhenMerged(t *testing.T) {
	inBubble(t, func(b *bubble) {
		half := func(key string) schema.Meta {
			return schema.Meta(`{"` + key + `":"` + strings.Repeat("x", 2500) + `"}`)
		}
		b.want(schema.StatusLimit, &schema.Acquire{Name: "a", Meta: schema.Meta(`{"k":"` + strings.Repeat("x", 5000) + `"}`)})
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", Meta: half("one")})
		b.want(schema.StatusLimit, &schema.Acquire{Name: "a", Client: "x", Owner: "o", Meta: half("two")})
		b.want(schema.StatusAlready, &schema.Acquire{Name: "a", Client: "x", Owner: "o", Meta: half("one")})
		b.want(schema.StatusLimit, &schema.Acquire{Names: []string{"0", "a"}, Client: "x", Owner: "o", Meta: half("two")})
		b.wantHolders("0")
	})
}

func TestARecordTakesNoMoreThanItsBytes(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", TTL: ms(86_400_000)})
		meta := schema.Meta(`{"k":"` + string(make4k()) + `"}`)
		full, waiting := 0, 0
		all := b.listen()
		for i := range 100 {
			all.send(&schema.Acquire{Name: "a", Client: "w", Request: fmt.Sprint(i), Wait: 60_000, Meta: meta})
		}
		b.settle()
		for range 100 {
			switch r := all.reply(); r.Status {
			case schema.StatusLimit:
				full++
			case schema.StatusTimeout:
				waiting++
			default:
				b.t.Fatalf("%+v", r)
			}
		}
		if waiting < 40 || waiting > 52 {
			t.Errorf("%d waited, %d were refused", waiting, full)
		}
	})
}
