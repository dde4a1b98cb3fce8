package service_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

// stepWalls gives all workers a wall clock that can be stepped.
func (b *bubble) stepWalls() (step func(time.Duration)) {
	var by atomic.Int64
	for _, w := range b.workers {
		w.worker.SetWall(func() time.Time { return time.Now().Add(time.Duration(by.Load())) })
	}
	return func(d time.Duration) { by.Add(int64(d)) }
}

// A wall clock that is set ends nothing early and leaves nothing: what it says is
// only shown.
func TestTheWallClockEndsNothing(t *testing.T) {
	for _, by := range []time.Duration{time.Hour, -time.Hour} {
		for _, workers := range []int{1, 2} {
			inBubbleOf(t, workers, func(b *bubble) {
				step := b.stepWalls()
				b.lock(&schema.Acquire{Name: "ttl", Client: "c", TTL: ms(10_000)})
				b.open("c", "s")
				b.present("c", "s", "presence")
				b.lock(&schema.Acquire{Name: "busy", Client: "c", TTL: ms(100_000)})
				ended := &schema.Acquire{Name: "ended", Client: "c", Request: "r"}
				b.unlock("ended", b.lock(ended))
				waiting := b.send(&schema.Acquire{Name: "busy", Client: "w", Wait: 10_000})
				several := b.send(&schema.Acquire{Names: []string{"busy", "free"}, Client: "w", Wait: 10_000})
				b.settle()
				step(by)
				b.pass(9 * time.Second)
				b.wantHolders("ttl", "c")
				b.wantHolders("presence", "c")
				b.wantWaiters("busy", "w", "w")
				waiting.silent(0)
				several.silent(0)
				step(-2 * by)
				b.pass(2 * time.Second)
				b.wantHolders("ttl")
				b.wantHolders("presence")
				waiting.want(schema.StatusTimeout)
				several.want(schema.StatusTimeout)
				b.want(schema.StatusNotHeld, ended) // a late copy is known yet
				b.wantHolders("busy", "c")
			})
		}
	}
}

// What is seen of the times of a hold makes sense as far as the clock does.
func TestNoTimeIsNegativeAfterAStep(t *testing.T) {
	inBubble(t, func(b *bubble) {
		step := b.stepWalls()
		sub, err := b.nc.SubscribeSync("lockevent.>")
		if err != nil {
			t.Fatal(err)
		}
		token := b.lock(&schema.Acquire{Name: "a", Client: "c"})
		next := b.send(&schema.Acquire{Name: "a", Client: "d", Wait: 60_000})
		b.settle()
		step(-time.Hour)
		b.unlock("a", token)
		b.unlock("a", next.want(schema.StatusGranted).Token)
		b.settle()
		for n, _, _ := sub.Pending(); n > 0; n-- {
			m, err := sub.NextMsg(time.Second)
			if err != nil {
				t.Fatal(err)
			}
			var e schema.Event
			if err := schema.Decode(schema.JSON, m.Data, &e); err != nil {
				t.Fatal(err)
			}
			if e.Waited != nil && *e.Waited < 0 || e.Held != nil && *e.Held < 0 {
				t.Errorf("%s", m.Data)
			}
		}
	})
}
