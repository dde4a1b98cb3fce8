package service_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

// Each of these refusals rests on a read of the store. All at once they would
// fill the queue of its leader, which drops everything then.
func TestBurstOfRefusalsLeavesTheServiceAlive(t *testing.T) {
	s := start(t, t.TempDir())
	const burst = 15_000 // its queue takes 10,000
	answers := s.listen()
	for i := range burst {
		answers.send(&schema.Release{Name: fmt.Sprintf("burst/%d", i), Token: 5})
	}
	begin := time.Now()
	got := s.wantAtLast(schema.StatusGranted, &schema.Acquire{Name: "a", Client: "x", Request: "r"})
	s.want(schema.StatusReleased, &schema.Release{Name: "a", Token: got.Token})
	t.Logf("a pair behind the burst took %s", time.Since(begin))
	repeated := 0
	for left := burst; left > 0; left-- {
		switch r := answers.reply(); r.Status {
		case schema.StatusNotHeld, schema.StatusLimit:
		case schema.StatusUnavailable: // a machine that has much else to do
			repeated++
			answers.send(&schema.Release{Name: fmt.Sprintf("repeat/%d", repeated), Token: 5})
			left++
		default:
			t.Fatalf("%s: %s", r.Status, r.Message)
		}
	}
	if repeated > burst {
		t.Errorf("%d requests had to be repeated", repeated)
	}
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
