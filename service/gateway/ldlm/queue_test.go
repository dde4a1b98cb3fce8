package ldlm

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

func TestWaitersForASemaphoreAreServedInOrder(t *testing.T) {
	const size, waiters = 3, 9
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	c := d.dial(t)
	try := &pb.TryLockRequest{Name: "x", Size: i32(size)}
	var keys []string
	for range size {
		keys = append(keys, c.mustTry(t, try))
	}
	var waiting []chan answered
	for i := range waiters {
		waiting = append(waiting, d.dial(t).locking(t.Context(), &pb.LockRequest{Name: "x", Size: i32(size)}))
		d.queued(t, "x", i+1)
	}
	if r := c.try(t, &pb.TryLockRequest{Name: "x", Size: i32(size + 1)}); r.GetError().GetCode() != pb.ErrorCode_LockSizeMismatch {
		t.Error(r)
	}
	for i, next := range waiting {
		c.unlock(t, "x", keys[i])
		got := <-next
		if got.err != nil || !got.GetLocked() {
			t.Fatal(got)
		}
		keys = append(keys, got.GetKey())
		if l := d.state(t, "x"); len(l.Holders) != size || len(l.Waiters) != waiters-1-i {
			t.Fatalf("%+v", l)
		}
	}
}

// TestATryOvertakesNobody has some who try without a pause while others wait.
func TestATryOvertakesNobody(t *testing.T) {
	const waiters = 20
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a, b := d.dial(t), d.dial(t)
	key := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	var waiting []chan answered
	for i := range waiters {
		waiting = append(waiting, a.locking(t.Context(), &pb.LockRequest{Name: "x"}))
		d.queued(t, "x", i+1)
	}
	var over atomic.Bool
	var tries sync.WaitGroup
	tried, began := 0, make(chan struct{})
	tries.Go(func() {
		for ; !over.Load(); tried++ {
			if r, err := b.TryLock(t.Context(), &pb.TryLockRequest{Name: "x"}); err != nil || r.GetLocked() {
				t.Error("overtaken", r, err)
				over.Store(true)
			}
			if tried == 0 {
				close(began)
			}
		}
	})
	<-began
	for _, next := range waiting {
		a.unlock(t, "x", key)
		got := <-next
		if got.err != nil || !got.GetLocked() {
			t.Fatal(got)
		}
		key = got.GetKey()
	}
	over.Store(true)
	tries.Wait()
}
