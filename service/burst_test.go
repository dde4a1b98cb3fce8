package service_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// crowdedStore takes a while to answer a read, as a leader does that has much to
// do, and notes how many were asked of it at once.
type crowdedStore struct {
	bus.Store
	asked, most atomic.Int64
}

func (s *crowdedStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	asked := s.asked.Add(1)
	defer s.asked.Add(-1)
	for most := s.most.Load(); asked > most && !s.most.CompareAndSwap(most, asked); {
		most = s.most.Load()
	}
	time.Sleep(200 * time.Millisecond)
	return s.Store.Load(ctx, key)
}

// Each of these refusals rests on a read of the store. All at once they would
// fill the queue of its leader, which takes 10,000 of all workers and then drops
// everything. So they take their turns, and nobody is told in vain that the store
// is away, though the last one waits longer than a caller is kept.
func TestBurstOfRefusalsLeavesTheServiceAlive(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		store := &crowdedStore{Store: b.store}
		b.start(store, nil)
		const burst, queue = 3000, 10_000
		answers := b.connect(nats.SyncQueueLen(burst)).listen()
		for i := range burst {
			answers.send(&schema.Release{Name: fmt.Sprintf("burst/%d", i), Token: 5})
		}
		begin := time.Now()
		b.unlock("a", b.lock(&schema.Acquire{Name: "a"}))
		if took := time.Since(begin); took > 100*time.Millisecond {
			t.Errorf("a pair beside the burst took %s", took)
		}
		for range burst {
			answers.want(schema.StatusNotHeld)
		}
		if took := time.Since(begin); took < 5*time.Second {
			t.Errorf("the burst took %s: nobody had to wait for long", took)
		}
		if most := store.most.Load(); most == 0 || most > queue/100 {
			t.Errorf("%d reads were asked at once", most)
		}
	})
}

func TestInspectReadsNoMoreThanItCanAnswer(t *testing.T) {
	s := start(t, t.TempDir())
	meta := schema.Meta(`{"m":"` + strings.Repeat("x", 4000) + `"}`)
	for i := range 40 {
		s.want(schema.StatusGranted, &schema.Acquire{Name: "fat", Mode: schema.ModeShared, Owner: fmt.Sprint(i), Meta: meta})
	}
	names := make([]string, schema.MaxInspect)
	for i := range names {
		names[i] = "fat"
	}
	for range 4 {
		s.wantAtLast(schema.StatusLimit, &schema.Inspect{Names: names})
	}
	s.wantAtLast(schema.StatusOK, &schema.Inspect{Names: names[:2]})
}

// wantAtLast is want where a machine that has much else to do may need more tries.
func (c *caller) wantAtLast(status schema.Status, m schema.Message) *schema.Reply {
	c.t.Helper()
	for begin := time.Now(); ; {
		p := c.send(m)
		r := p.reply()
		p.close()
		if r.Status == status {
			return r
		}
		if r.Status != schema.StatusUnavailable || time.Since(begin) > time.Minute {
			c.t.Fatalf("status %s (%s), want %s", r.Status, r.Message, status)
		}
	}
}
