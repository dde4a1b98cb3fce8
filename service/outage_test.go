package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

func TestCallersAreToldWhenTheStoreIsAway(t *testing.T) {
	for name, fault := range map[string]bustest.Fault{
		"unavailable": {Kind: bustest.Unavailable},
		"lost":        {Kind: bustest.Lost, Delay: 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				token := b.lock(&schema.Acquire{Name: "a", Client: "x", TTL: ms(10_000)})
				b.store.Fail(func([]bus.Write) bustest.Fault { return fault })
				begin := time.Now()
				requests := map[string]*pending{
					"release": b.send(&schema.Release{Name: "a", Token: token}),
				}
				b.pass(100 * time.Millisecond)
				requests["renew"] = b.send(&schema.Renew{Name: "a", Token: token})
				requests["acquire"] = b.send(&schema.Acquire{Name: "a", Client: "y"})
				requests["several"] = b.send(&schema.Acquire{Names: []string{"0", "a"}, Client: "z"})
				b.pass(100 * time.Millisecond)
				requests["behind several"] = b.send(&schema.Acquire{Name: "0", Client: "w"})
				requests["release of several"] = b.send(&schema.Release{Locks: []schema.LockToken{{Name: "a", Token: token}}})
				for verb, p := range requests {
					r := p.reply()
					took := time.Since(begin)
					if verb == "release of several" {
						r.Status = r.Locks[0].Status
					}
					if r.Status != schema.StatusUnavailable || took < 4*time.Second || took > 6*time.Second {
						t.Errorf("%s: %s after %s", verb, r.Status, took)
					}
				}
				b.pass(10 * time.Second)
				b.store.Fail(nil)
				b.pass(time.Second)
				for verb, p := range requests {
					if msg, err := p.sub.NextMsg(time.Second); err == nil {
						t.Errorf("%s was told twice: %q", verb, msg.Data)
					}
				}
			})
		})
	}
}

func TestManyCallersAreToldWhenTheStoreHangs(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.workers[0].stop(b.t)
		b.start(stuckStore{b.store}, nil)
		begin := time.Now()
		all := b.listen()
		for i := range 1000 {
			all.send(&schema.Release{Name: fmt.Sprint(i), Token: 300})
		}
		for range 1000 {
			all.want(schema.StatusUnavailable)
		}
		if took := time.Since(begin); took > 9*time.Second {
			t.Errorf("told after %s", took)
		}
		b.workers[1].stop(b.t)
	})
}

// What was begun goes on, and the repeat of the same request tells how it ended.
func TestRepeatAfterUnavailableFindsTheSameAttempt(t *testing.T) {
	for name, kind := range map[string]bustest.Kind{"stored": bustest.LostAck, "not stored": bustest.Lost} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.script(append([]bustest.Fault{{Kind: kind}}, repeated(100, bustest.Fault{Kind: bustest.Unavailable})...)...)
				m := &schema.Acquire{Name: "a", Client: "x", Request: "r", TTL: ms(60_000)}
				b.want(schema.StatusUnavailable, m)
				b.want(schema.StatusUnavailable, m)
				b.pass(5 * time.Second)
				got := b.want(schema.StatusGranted, m)
				again := b.want(schema.StatusGranted, m)
				if got.Token != again.Token || *got.Count != 1 {
					t.Errorf("%+v, then %+v", got, again)
				}
				b.want(schema.StatusHeld, &schema.Acquire{Name: "a", Client: "y"})
			})
		})
	}
}

// Who was told unavailable may have gone, or have asked another worker: nothing
// that could hit somebody else happens afterwards.
func TestWhatWasToldUnavailableDoesNotHappenLater(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", TTL: ms(600_000)})
		other := b.lock(&schema.Acquire{Name: "b", TTL: ms(600_000)})
		b.store.SetDown(true)
		requests := []*pending{
			b.send(&schema.Acquire{Name: "c"}),
			b.send(&schema.Acquire{Name: "c", Wait: 60_000}),
			b.send(&schema.Acquire{Names: []string{"c", "d"}}),
			b.send(&schema.Release{Name: "a", Client: "x", Owner: "o"}),
			b.send(&schema.Force{Name: "a"}),
			b.send(&schema.Release{Name: "b", Token: other}),
		}
		for _, p := range requests {
			p.want(schema.StatusUnavailable)
		}
		b.store.SetDown(false)
		b.pass(time.Second)
		b.wantHolders("c")
		b.wantHolders("d")
		b.wantHolders("a", "x")
		b.wantHolders("b") // only that hold can have been meant
		b.unlock("a", token)
	})
}

// A write in doubt cannot be taken back. Its grant is told, late as it is, and
// comes back from where nobody waits for it any more.
func TestAGrantInDoubtIsToldAfterUnavailable(t *testing.T) {
	for _, m := range []*schema.Acquire{{Name: "a", Client: "x"}, {Names: []string{"a", "b"}, Client: "x"}} {
		for _, stays := range []bool{true, false} {
			inBubble(t, func(b *bubble) {
				b.script(append([]bustest.Fault{{Kind: bustest.LostAck}}, repeated(100, bustest.Fault{Kind: bustest.Unavailable})...)...)
				p := b.send(m)
				p.want(schema.StatusUnavailable)
				if !stays {
					p.close()
				}
				b.pass(20 * time.Second)
				if !stays {
					b.wantHolders("a")
					return
				}
				p.want(schema.StatusGranted)
				b.wantHolders("a", "x")
			})
		}
	}
}

// A refusal rests on what the leader of the store says: none is given while it
// says nothing.
func TestNoRefusalWhileTheStoreIsAway(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		b.store.SetDown(true)
		held := b.send(&schema.Acquire{Name: "a"})
		gone := b.send(&schema.Release{Name: "b", Token: token})
		inspect := b.send(&schema.Inspect{Name: "a"})
		held.silent(time.Second)
		b.store.SetDown(false)
		held.want(schema.StatusHeld)
		gone.want(schema.StatusNotHeld)
		inspect.want(schema.StatusUnavailable)
	})
}

// A write that has no end holds up its own lock, and no other.
func TestTimersRingWhileAWriteHasNoEnd(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", TTL: ms(10_000)})
		b.want(schema.StatusReleased, &schema.Release{Name: "a", Token: token})
		b.lock(&schema.Acquire{Name: "b", Client: "x", TTL: ms(90_000)})
		key := schema.LockKey("test", "a")
		b.store.Fail(func(writes []bus.Write) bustest.Fault {
			if writes[0].Key != key {
				return bustest.Fault{}
			}
			return bustest.Fault{Kind: bustest.Lost, Delay: 500 * time.Millisecond}
		})
		b.want(schema.StatusUnavailable, &schema.Acquire{Name: "a"})
		b.pass(80 * time.Second)
		b.wantHolders("b", "x")
		b.pass(12 * time.Second)
		b.wantHolders("b")
		b.store.Fail(nil)
		b.pass(32 * time.Second) // the acquire in doubt may have been granted after all
		b.lock(&schema.Acquire{Name: "a"})
	})
}
