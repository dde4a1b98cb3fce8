package ldlm

import (
	"context"
	"runtime"
	"slices"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// onLine is a door that is joined to the service only by what can lose answers.
func onLine(t *testing.T) (*opened, *gatewaytest.Line) {
	t.Helper()
	s := clienttest.New(t)
	line := gatewaytest.NewLine(s.Conn())
	d := openDoorOn(t, s, s.Conn(nats.InProcessServer(line)), gateway.Config{SessionTTL: never, Local: new(bus.Local)}, Config{})
	return d, line
}

// What was released when the answer was lost is not told to be under a wrong key when
// the door asks again, whether it had granted the lock itself or had to look for it.
func TestAnUnlockWhoseAnswerIsLostIsDone(t *testing.T) {
	d, line := onLine(t)
	a := d.dial(t)
	other := openDoor(t, d.service, gateway.Limits{}, Config{}).dial(t)
	for _, c := range []struct {
		by   caller
		size int32
	}{{a, 1}, {a, 2}, {other, 1}} {
		key := c.by.mustTry(t, &pb.TryLockRequest{Name: "x", Size: &c.size})
		line.LoseAnswer("lock.ldlm.release")
		got := make(chan *pb.UnlockResponse)
		go func() { got <- a.unlock(t, "x", key) }()
		d.free(t, "x")
		line.Break()
		same(t, <-got, &pb.UnlockResponse{Name: "x", Unlocked: true})
		same(t, a.unlock(t, "x", key), &pb.UnlockResponse{Name: "x", Error: fault(pb.ErrorCode_InvalidLockKey, "invalid lock key")})
	}
}

// unlockUnheard unlocks x, which is done, and nobody is told: the caller is gone by then.
func (d *opened) unlockUnheard(t *testing.T, line *gatewaytest.Line, by caller, key string) {
	t.Helper()
	line.LoseAnswer("lock.ldlm.release")
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	go func() {
		_, err := by.Unlock(ctx, &pb.UnlockRequest{Name: "x", Key: key})
		gone <- err
	}()
	d.free(t, "x")
	cancel()
	if err := <-gone; err == nil {
		t.Error("it was answered")
	}
	for !d.tried("x", key) {
		runtime.Gosched() // until the door has given up, too
	}
	line.Break()
}

// A client that is told of an outage calls again, and the lock has been released by the
// first call.
func TestAnUnlockThatIsCalledAgainIsDone(t *testing.T) {
	d, line := onLine(t)
	a := d.dial(t)
	for _, size := range []int32{1, 2} {
		key := a.mustTry(t, &pb.TryLockRequest{Name: "x", Size: &size})
		d.unlockUnheard(t, line, a, key)
		same(t, a.unlock(t, "x", key), &pb.UnlockResponse{Name: "x", Unlocked: true})
		same(t, a.unlock(t, "x", key), notUnlocked("x", true))
	}
}

// What may have been lost with its session is told to nobody to be unlocked.
func TestAnUnlockOfWhatMayBeLostIsNotDone(t *testing.T) {
	d, line := onLine(t)
	a, idle := d.dial(t), d.dial(t)
	idle.unlock(t, "y", "no key") // it is there, and has no session
	key := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	d.tokens.mu.Lock()
	leaf := d.tokens.of[grantID{"x", key}].leaf
	d.tokens.mu.Unlock()
	line.LoseAnswer("lock.ldlm.release")
	got := make(chan *pb.UnlockResponse)
	go func() { got <- idle.unlock(t, "x", key) }()
	d.free(t, "x")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := leaf.Leave(gone); err == nil { // which is the end of it here, as if it were lost
		t.Error("nobody could have answered")
	}
	line.Break()
	same(t, <-got, notUnlocked("x", true))
}

// What a second Unlock does not find has been lost with its session if the door cannot
// know better, and others may have had the lock since: also one that several may hold,
// and one that another natslock has granted.
func TestAnUnlockThatIsCalledAgainDoesNotEndWhatWasLost(t *testing.T) {
	d, line := onLine(t)
	b := d.dial(t)
	elsewhere := openDoor(t, d.service, gateway.Limits{}, Config{})
	for _, c := range []struct {
		by   caller
		size int32
	}{{d.dial(t), 1}, {d.dial(t), 2}, {elsewhere.dial(t), 1}} {
		key := c.by.mustTry(t, &pb.TryLockRequest{Name: "x", Size: &c.size})
		d.unlockUnheard(t, line, b, key)
		if err := c.by.Close(); err != nil {
			t.Error(err)
		}
		d.left(t, "x", key)
		next := b.mustTry(t, &pb.TryLockRequest{Name: "x", Size: &c.size})
		same(t, b.unlock(t, "x", key), notUnlocked("x", true))
		same(t, b.unlock(t, "x", next), &pb.UnlockResponse{Name: "x", Unlocked: true})
	}
}

// left waits until the leaf of a grant has ended, if one is known.
func (d *opened) left(t *testing.T, name, key string) {
	t.Helper()
	d.tokens.mu.Lock()
	leaf := d.tokens.of[grantID{name, key}].leaf
	d.tokens.mu.Unlock()
	if leaf == nil {
		return
	}
	select {
	case <-leaf.Context().Done():
	case <-t.Context().Done():
	}
}

// tried tells whether an Unlock by a key was sent and not answered.
func (d *opened) tried(name, key string) bool {
	d.tokens.mu.Lock()
	defer d.tokens.mu.Unlock()
	return d.tokens.of[grantID{name, key}].tried
}

// What was asked for once is not remembered by the lock after its Unlock.
func TestAnUnlockForgetsWhatIsNotSentAgain(t *testing.T) {
	s := clienttest.New(t)
	p := gatewaytest.NewTap(s.Conn())
	d := openDoorOn(t, s, s.Conn(nats.InProcessServer(p)), gateway.Config{SessionTTL: never, Local: new(bus.Local)}, Config{})
	c := d.dial(t)
	var keys []string
	for range 2 {
		keys = append(keys, c.mustTry(t, &pb.TryLockRequest{Name: "x"}))
		same(t, c.unlock(t, "x", keys[len(keys)-1]), &pb.UnlockResponse{Name: "x", Unlocked: true})
	}
	if got := p.Texts("forget"); !slices.Equal(got, keys) {
		t.Errorf("forgotten are %q of %q", got, keys)
	}
}
