package ldlm

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

func TestTokensAreKnownOnce(t *testing.T) {
	var ts tokens
	ts.add("k", &schema.Acquire{Name: "x", Client: "c", Size: 1}, 7, "r", nil)
	ts.add("k", &schema.Acquire{Name: "sized", Client: "c", Size: 2}, 8, "r", nil)
	for _, other := range []grantID{{"x", ""}, {"y", "k"}, {"sized", "k"}} {
		if g := ts.take(other.name, other.key); g.release != nil {
			t.Errorf("%v: %+v", other, g)
		}
	}
	if diff := cmp.Diff(&schema.Release{Name: "x", Client: "c", Token: 7, Forget: "r"}, ts.take("x", "k").release); diff != "" {
		t.Error(diff)
	}
	if g := ts.take("x", "k"); g.release != nil {
		t.Errorf("%+v", g)
	}
	for i := range maxTokens + 10 {
		ts.add(fmt.Sprint(i), &schema.Acquire{Name: "x", Size: 1}, 1, "", nil)
	}
	if len(ts.of) != maxTokens {
		t.Errorf("%d are known", len(ts.of))
	}
}

// TestUnlockOfWhatHasEnded has a lock end behind the door's back.
func TestUnlockOfWhatHasEnded(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	c := d.dial(t)
	key := c.mustTry(t, &pb.TryLockRequest{Name: "x"})
	if _, err := d.seen.Force(t.Context(), "x", &client.ForceOptions{}); err != nil {
		t.Fatal(err)
	}
	again := c.mustTry(t, &pb.TryLockRequest{Name: "x"})
	same(t, c.unlock(t, "x", key), notUnlocked("x", true))
	if h := d.state(t, "x").Holders; len(h) != 1 || h[0].Owner != again {
		t.Errorf("%+v", h)
	}
}
