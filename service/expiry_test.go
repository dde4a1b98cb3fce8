package service_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// endsIn waits until nobody holds name, and fails the test if that is before
// from or after to.
func (b *bubble) endsIn(name string, from, to time.Duration) {
	b.t.Helper()
	begin := time.Now()
	waiting := b.send(&schema.Acquire{Name: name, Client: "next", Wait: to.Milliseconds() + 60_000})
	next := waiting.want(schema.StatusGranted)
	if took := time.Since(begin); took < from || took > to {
		b.t.Errorf("%s ended after %s, want %s to %s", name, took, from, to)
	}
	b.unlock(name, next.Token)
}

func TestHoldEndsWithItsTTL(t *testing.T) {
	for _, ttl := range []time.Duration{10 * time.Millisecond, 500 * time.Millisecond, time.Second, 7 * time.Second, 30 * time.Second, time.Hour} {
		inBubble(t, func(b *bubble) {
			b.lock(&schema.Acquire{Name: "a", TTL: ms(ttl.Milliseconds())})
			b.endsIn("a", ttl, ttl+20*time.Millisecond) // nothing else is due
		})
	}
}

func TestHoldWithoutATTLGetsTheDefault(t *testing.T) {
	inBubble(t, func(b *bubble) {
		if r := b.want(schema.StatusGranted, &schema.Acquire{Name: "a"}); *r.TTL != 30_000 {
			t.Errorf("TTL %d", *r.TTL)
		}
		b.endsIn("a", 30*time.Second, 31*time.Second)
		b.workers[0].stop(b.t)
		b.start(b.store, &service.Config{DefaultTTL: 7 * time.Second})
		if r := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"a", "b"}}); *r.TTL != 7000 {
			t.Errorf("TTL %d", *r.TTL)
		}
		b.endsIn("b", 7*time.Second, 8*time.Second)
	})
}

func TestEachHoldOfASharedLockEndsWithItsOwnTTL(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for _, s := range []int64{5, 20, 10} {
			b.lock(&schema.Acquire{Name: "a", Client: fmt.Sprint(s), Mode: schema.ModeShared, TTL: ms(s * 1000)})
		}
		b.pass(6 * time.Second)
		b.wantHolders("a", "20", "10")
		b.pass(5 * time.Second)
		b.wantHolders("a", "20")
		b.pass(10 * time.Second)
		b.wantHolders("a")
	})
}

func TestRenewRestartsTheTTL(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", TTL: ms(3000)})
		for range 20 {
			b.pass(2900 * time.Millisecond)
			if r := b.want(schema.StatusRenewed, &schema.Renew{Name: "a", Token: token}); *r.TTL != 3000 {
				b.t.Fatalf("TTL %d", *r.TTL)
			}
		}
		if r := b.want(schema.StatusRenewed, &schema.Renew{Name: "a", Token: token, TTL: ms(8000)}); *r.TTL != 8000 {
			t.Errorf("TTL %d", *r.TTL)
		}
		b.endsIn("a", 8*time.Second, 9*time.Second)
		b.want(schema.StatusNotHeld, &schema.Renew{Name: "a", Token: token})
	})
}

func TestReentranceRestartsTheTTL(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", TTL: ms(3000)})
		b.pass(2 * time.Second)
		if r := b.want(schema.StatusAlready, &schema.Acquire{Name: "a", Client: "x", Owner: "o"}); *r.TTL != 3000 {
			t.Errorf("TTL %d", *r.TTL)
		}
		b.endsIn("a", 3*time.Second, 4*time.Second)
	})
}

func TestARepeatDoesNotRestartTheTTL(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r", TTL: ms(3000)}
		b.lock(m)
		b.pass(2 * time.Second)
		b.lock(m)
		b.endsIn("a", time.Second, 2*time.Second)
	})
}

// A hold that any worker renewed is ended by none before its time.
func TestRenewalsOfAnyWorkerCountForAll(t *testing.T) {
	inBubbleOf(t, 3, func(b *bubble) {
		for _, lag := range []time.Duration{0, 800 * time.Millisecond, time.Hour} {
			b.store.SetLag(lag)
			token := b.lock(&schema.Acquire{Name: "a", TTL: ms(3000)})
			for range 20 {
				b.pass(2500 * time.Millisecond)
				b.want(schema.StatusRenewed, &schema.Renew{Name: "a", Token: token})
			}
			b.endsIn("a", 3*time.Second, 5*time.Second)
		}
	})
}

// Whatever the moment of a renewal, if it is granted then for its full time.
func TestExpiryDoesNotOvertakeARenewal(t *testing.T) {
	for _, workers := range []int{1, 2} {
		inBubbleOf(t, workers, func(b *bubble) {
			r, delays := rand.New(rand.NewPCG(*seed, 1)), rand.New(rand.NewPCG(*seed, 2))
			b.store.Fail(func([]bus.Write) bustest.Fault {
				return bustest.Fault{Delay: time.Duration(delays.IntN(30)) * time.Millisecond}
			})
			lost := 0
			for i := range 100 {
				name := fmt.Sprint(i)
				token := b.lock(&schema.Acquire{Name: name, TTL: ms(500)})
				b.pass(480*time.Millisecond + time.Duration(r.IntN(40))*time.Millisecond)
				switch got := b.ask(&schema.Renew{Name: name, Token: token}); got.Status {
				case schema.StatusNotHeld:
					lost++
				case schema.StatusRenewed:
					b.pass(450 * time.Millisecond)
					if !*b.state(name).Held {
						b.t.Fatalf("%s was renewed and ended within its TTL", name)
					}
				default:
					b.t.Fatalf("renew: %s", got.Status)
				}
			}
			t.Logf("%d of 100 had ended", lost)
		})
	}
}

func TestTimeWithoutAStoreDoesNotCount(t *testing.T) {
	for _, ttl := range []time.Duration{6 * time.Second, 10 * time.Second, time.Minute} {
		for _, used := range []time.Duration{0, ttl / 2, ttl - 2*time.Second, ttl - time.Second, ttl - 100*time.Millisecond} {
			for _, away := range []time.Duration{4 * time.Second, 20 * time.Second, 5 * time.Minute} {
				inBubble(t, func(b *bubble) {
					b.lock(&schema.Acquire{Name: "a", TTL: ms(ttl.Milliseconds())})
					b.pass(used)
					b.store.SetDown(true)
					b.pass(away)
					b.store.SetDown(false)
					left := max(ttl-used, ttl/3)
					b.endsIn("a", left-time.Second, left+4*time.Second)
					if t.Failed() {
						b.t.Fatalf("TTL %s, %s of it used, then %s away", ttl, used, away)
					}
				})
			}
		}
	}
}

// A holder who renews as soon as the store is back keeps the lock, whatever the
// worker had in mind when it went away.
func TestRenewalAfterAnOutageIsInTime(t *testing.T) {
	for name, fault := range map[string]bustest.Fault{
		"unavailable": {Kind: bustest.Unavailable},
		"lost":        {Kind: bustest.Lost, Delay: 300 * time.Millisecond},
	} {
		for i := range 12 {
			used := 8*time.Second + time.Duration(i)*180*time.Millisecond
			inBubble(t, func(b *bubble) {
				b.workers[0].stop(b.t)
				store := &awayStore{Store: b.store}
				b.start(store, nil)
				token := b.lock(&schema.Acquire{Name: "a", TTL: ms(10_000)})
				b.pass(used)
				store.away.Store(true)
				b.store.Fail(func([]bus.Write) bustest.Fault { return fault })
				b.pass(30 * time.Second)
				store.away.Store(false)
				b.store.Fail(nil)
				b.pass(time.Second)
				if r := b.ask(&schema.Renew{Name: "a", Token: token}); r.Status != schema.StatusRenewed {
					b.t.Fatalf("%s: %s of 10 s used when the store went away: %s", name, used, r.Status)
				}
			})
		}
	}
}

func TestRestartBeginsTheTTLAnew(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", TTL: ms(10_000)})
		b.pass(9 * time.Second)
		b.workers[0].stop(b.t)
		b.pass(time.Hour)
		b.start(b.store, nil)
		b.endsIn("a", 10*time.Second, 11*time.Second)
	})
}

func TestAnotherWorkersStopEndsNothingEarlyOrLate(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", TTL: ms(10_000)})
		waiting := b.send(&schema.Acquire{Name: "a", Wait: 7_000})
		begin := time.Now()
		b.pass(5 * time.Second)
		b.workers[0].stop(b.t)
		waiting.want(schema.StatusTimeout)
		if took := time.Since(begin); took < 7*time.Second || took > 8*time.Second {
			t.Errorf("wait of 7 s ended after %s", took)
		}
		b.endsIn("a", 2*time.Second, 4*time.Second)
	})
}

func TestManyHoldsThatEndTogetherAreGoneAtOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		// Each write takes a while, as many at once as there are.
		const n = 5000
		waiting := b.listen()
		for i := range n {
			waiting.send(&schema.Acquire{Name: fmt.Sprint(i), TTL: ms(10_000)})
		}
		for range n {
			waiting.want(schema.StatusGranted)
		}
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: 10 * time.Millisecond} })
		b.pass(9900 * time.Millisecond)
		if got := b.held(); got != n {
			b.t.Fatalf("%d are held shortly before their end, want %d", got, n)
		}
		b.pass(1100 * time.Millisecond)
		if got := b.held(); got != 0 {
			b.t.Fatalf("%d are held 1 s after their end", got)
		}
	})
}

// held counts the held locks.
func (c *caller) held() int {
	c.t.Helper()
	count, cursor := 0, ""
	for {
		r := c.want(schema.StatusOK, &schema.List{Limit: ms(1000), Cursor: cursor})
		count += len(r.Locks)
		if cursor = r.Cursor; cursor == "" {
			return count
		}
	}
}

// So many expiries that the slow store cannot take them at once must not look
// like a pause of the worker.
func TestASlowStoreProlongsNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const n = 2000
		waiting := b.listen()
		for i := range n {
			waiting.send(&schema.Acquire{Name: fmt.Sprint(i), TTL: ms(10_000)})
		}
		for range n {
			waiting.want(schema.StatusGranted)
		}
		b.lock(&schema.Acquire{Name: "other", TTL: ms(16_000)})
		b.store.Fail(func(writes []bus.Write) bustest.Fault {
			if writes[0].Key == "test.other" {
				return bustest.Fault{}
			}
			return bustest.Fault{Delay: 1800 * time.Millisecond}
		})
		b.pass(17 * time.Second)
		b.wantHolders("other")
	})
}

// What is due and stuck does not keep others from being ended.
func TestStuckExpiriesLeaveRoomForOthers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for i := range 300 {
			b.lock(&schema.Acquire{Name: fmt.Sprint(i), TTL: ms(1000)})
		}
		b.lock(&schema.Acquire{Name: "other", TTL: ms(6000)})
		b.store.Fail(func(writes []bus.Write) bustest.Fault {
			if writes[0].Key == "test.other" {
				return bustest.Fault{}
			}
			return bustest.Fault{Delay: 20 * time.Second}
		})
		b.pass(4 * time.Second)
		b.endsIn("other", time.Second, 3*time.Second)
		b.pass(20 * time.Second)
	})
}

func TestInspectTellsWhenAHoldExpires(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", TTL: ms(10_000)})
		b.pass(4 * time.Second)
		if got := *b.state("a").Holders[0].ExpiresIn; got != 6000 {
			t.Errorf("expires in %d ms, want 6000", got)
		}
		b.want(schema.StatusRenewed, &schema.Renew{Name: "a", Token: token})
		if got := *b.state("a").Holders[0].ExpiresIn; got != 10_000 {
			t.Errorf("expires in %d ms, want 10000", got)
		}
	})
}
