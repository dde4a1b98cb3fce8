package service_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// Which worker gets a request is left to the NATS server. So what is true
// whichever it is, is tried often.
const rounds = 25

// jitter delays each write by up to d.
func (b *bubble) jitter(d time.Duration) {
	r := rand.New(rand.NewPCG(*seed, 0))
	b.store.Fail(func([]bus.Write) bustest.Fault {
		return bustest.Fault{Delay: time.Duration(r.Int64N(int64(d)))}
	})
}

func TestAnyWorkerHandsOver(t *testing.T) {
	for _, lag := range []time.Duration{0, 5 * time.Millisecond, time.Hour} {
		inBubbleOf(t, 3, func(b *bubble) {
			b.store.SetLag(lag)
			b.jitter(3 * time.Millisecond)
			token := b.lock(&schema.Acquire{Name: "a", Client: "first"})
			for i := range rounds {
				waiting := b.send(&schema.Acquire{Name: "a", Client: fmt.Sprint(i), Wait: 60_000})
				b.pass(10 * time.Millisecond)
				b.unlock("a", token)
				next := waiting.want(schema.StatusGranted)
				if next.Token <= token {
					b.t.Fatalf("token %d after %d", next.Token, token)
				}
				token = next.Token
				waiting.silent(0)
			}
		})
	}
}

func TestSetsAreGrantedWhicheverWorkerFreesTheLock(t *testing.T) {
	for _, lag := range []time.Duration{0, 20 * time.Millisecond} {
		inBubbleOf(t, 3, func(b *bubble) {
			b.store.SetLag(lag)
			b.jitter(3 * time.Millisecond)
			for i := range rounds {
				one := b.lock(&schema.Acquire{Name: "b", Client: "x"})
				two := b.lock(&schema.Acquire{Name: "c", Client: "y", TTL: ms(500)})
				waiting := b.send(&schema.Acquire{Names: []string{"c", "a", "b"}, Client: "w", Owner: fmt.Sprint(i), Wait: 10_000})
				b.pass(time.Duration(i) * time.Millisecond)
				b.unlock("b", one)
				if i%2 == 0 {
					b.unlock("c", two)
				}
				all := waiting.want(schema.StatusGranted)
				b.pass(100 * time.Millisecond)
				waiting.silent(0)
				for _, l := range all.Locks {
					b.wantHolders(l.Name, "w")
					b.unlock(l.Name, l.Token)
				}
			}
		})
	}
}

func TestAWaitThatAnotherWorkerQueuedTimesOut(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", TTL: ms(86_400_000)})
		b.lock(&schema.Acquire{Name: "c", TTL: ms(86_400_000)})
		var waiting []*pending
		for i := range rounds {
			waiting = append(waiting,
				b.send(&schema.Acquire{Name: "a", Client: fmt.Sprint(i), Wait: 5000}),
				b.send(&schema.Acquire{Names: []string{"b", "c"}, Client: fmt.Sprint(i), Wait: 5000}))
		}
		b.pass(time.Second)
		b.workers[1].stop(b.t)
		begin := time.Now()
		for _, p := range waiting {
			p.want(schema.StatusTimeout)
		}
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("waits of 5 s ended after %s", took)
		}
		b.wantWaiters("a")
		b.wantWaiters("b")
	})
}

// Workers that time the same holds and waits do not end them twice.
func TestEachEndIsToldOnce(t *testing.T) {
	inBubbleOf(t, 3, func(b *bubble) {
		events := b.events()
		all := b.listen()
		for i := range rounds {
			name := fmt.Sprint(i)
			b.lock(&schema.Acquire{Name: name, Client: "x", TTL: ms(3000)})
			all.send(&schema.Acquire{Name: name, Client: "y", Wait: 1000})
			all.send(&schema.Acquire{Name: name, Client: "z", Wait: 20_000})
		}
		granted, timeout := 0, 0
		for range 2 * rounds {
			switch r := all.reply(); r.Status {
			case schema.StatusGranted:
				granted++
			case schema.StatusTimeout:
				timeout++
			default:
				b.t.Fatalf("%+v", r)
			}
		}
		all.silent(time.Minute)
		if granted != rounds || timeout != rounds {
			t.Errorf("%d granted, %d timed out", granted, timeout)
		}
		count := map[string]int{}
		for _, e := range events() {
			count[e]++
		}
		for _, e := range []string{"granted x", "expired x", "queued y", "canceled y", "queued z", "granted z", "expired z"} {
			if count[e] != rounds {
				t.Errorf("%s: %d times, want %d", e, count[e], rounds)
			}
			delete(count, e)
		}
		if len(count) > 0 {
			t.Errorf("more events: %v", count)
		}
	})
}

// A worker that stops in the middle of anything leaves it to the others.
func TestAWorkerMayStopAtAnyMoment(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.jitter(20 * time.Millisecond)
		token := b.lock(&schema.Acquire{Name: "a", Client: "first", TTL: ms(86_400_000)})
		for i := range rounds {
			m := &schema.Acquire{Name: "a", Client: fmt.Sprint(i), Request: "r", Wait: 600_000, TTL: ms(86_400_000)}
			waiting := b.send(m)
			b.pass(time.Duration(i) * time.Millisecond)
			release := &schema.Release{Name: "a", Token: token}
			answer := b.send(release)
			b.pass(time.Duration(i%7) * time.Millisecond)
			b.workers[i].stop(b.t)
			b.start(b.store, nil)
			if msg, err := answer.sub.NextMsg(time.Second); err != nil {
				b.ask(release)
			} else if r := b.decode(msg); r.Status != schema.StatusReleased {
				b.t.Fatalf("release: %+v", r)
			}
			next, err := waiting.sub.NextMsg(time.Second)
			if err != nil { // as callers do who hear nothing
				waiting.send(m)
				next = waiting.message()
			}
			r := b.decode(next)
			if r.Status != schema.StatusGranted || r.Token <= token {
				b.t.Fatalf("round %d: %+v after the token %d", i, r, token)
			}
			token = r.Token
		}
	})
}
