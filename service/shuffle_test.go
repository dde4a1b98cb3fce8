package service_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

// delivery is one copy of a keepalive, and when it reaches a worker.
type delivery struct {
	at      time.Duration
	message schema.Keepalive
}

// shuffled are the keepalives that a session sends for a while, every third
// second and then no more: each arrives once or more often, soon or late, in any
// order.
func shuffled(r *rand.Rand, epoch uint64) (list []delivery) {
	for n := range uint64(20) {
		m := schema.Keepalive{Session: "s", Create: n == 0, N: n + 1}
		if n > 0 {
			m.Epoch = epoch
		}
		sent := time.Duration(n) * 3 * time.Second
		list = append(list, delivery{sent + time.Duration(r.Int64N(int64(6*time.Second))), m})
		for range r.IntN(3) {
			list = append(list, delivery{sent + time.Duration(r.Int64N(int64(50*time.Second))), m})
		}
	}
	slices.SortFunc(list, func(a, b delivery) int { return cmp.Compare(a.at, b.at) })
	return list
}

// Keepalives that arrive twice, late, or in another order end nobody early, and
// keep nobody longer than the latest of them does.
func TestKeepalivesMayArriveInAnyOrder(t *testing.T) {
	const ttl = 10 * time.Second
	for s := *seed; s < *seed+8; s++ {
		inBubbleOf(t, 1+int(s%2), func(b *bubble) {
			r := rand.New(rand.NewPCG(s, 3))
			b.sessions.SetLag(time.Duration(s%3) * 20 * time.Millisecond)
			start := time.Now()
			last, since := uint64(1), time.Duration(0)
			epoch := b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 1}).want(schema.StatusOK).Epoch
			b.present("c", "s", "a")
			for _, d := range shuffled(r, epoch) {
				b.pass(d.at - time.Since(start))
				silent := time.Since(start) - since
				if silent >= ttl && silent <= ttl+time.Second {
					continue // it may have ended just now, or not
				}
				want := schema.StatusOK
				if silent > ttl {
					want = schema.StatusSessionExpired
					b.wantHolders("a")
				} else {
					b.wantHolders("a", "c")
				}
				if got := b.as("c", &d.message).reply(); got.Status != want {
					t.Fatalf("-seed %d: keepalive %d at %s, after %d at %s: %s, want %s", s, d.message.N, d.at, last, since, got.Status, want)
				}
				if want == schema.StatusOK && d.message.N > last {
					last, since = d.message.N, time.Since(start)
				}
			}
			b.pass(max(0, since+ttl+time.Second-time.Since(start)))
			b.wantHolders("a")
			b.as("c", &schema.Keepalive{Session: "s", Epoch: epoch, N: last + 1}).want(schema.StatusSessionExpired)
		})
	}
}
