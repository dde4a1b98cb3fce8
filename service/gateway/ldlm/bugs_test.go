package ldlm

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// What LDLM got wrong, each with the whole service behind the door.

// LDLM ended, with all locks, when a connection was closed right after an Unlock.
func TestBugUnlockAndClose(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	other := d.dial(t)
	kept := other.mustTry(t, &pb.TryLockRequest{Name: "kept"})
	for range 50 {
		c := d.dial(t)
		key := c.mustTry(t, &pb.TryLockRequest{Name: "x"})
		var both sync.WaitGroup
		both.Go(func() { _, _ = c.Unlock(t.Context(), &pb.UnlockRequest{Name: "x", Key: key}) }) // answered or not
		both.Go(func() { c.Close() })
		both.Wait()
		d.free(t, "x")
	}
	if r := other.unlock(t, "kept", kept); !r.GetUnlocked() {
		t.Error(r)
	}
}

// LDLM showed a lock as held that another connection had unlocked, and twice when it
// was locked again.
func TestBugUnlockOfAnotherConnection(t *testing.T) {
	s := clienttest.New(t)
	d, other := openDoor(t, s, gateway.Limits{}, Config{}), openDoor(t, s, gateway.Limits{}, Config{})
	a, b := d.dial(t), other.dial(t)
	key := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	if r := b.unlock(t, "x", key); !r.GetUnlocked() {
		t.Fatal(r)
	}
	if h := d.state(t, "x").Holders; len(h) != 0 {
		t.Errorf("%+v", h)
	}
	again := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	s.StopWorker()
	s.StartWorker()
	if h := d.state(t, "x").Holders; len(h) != 1 || h[0].Owner != again {
		t.Errorf("%+v", h)
	}
	a.Close()
	d.free(t, "x")
}

// LDLM lost sight of what it kept when a connection ended, and freed it only by a
// restart; and a restart freed, or locked twice, what another connection had taken.
func TestBugKeptLocksAreStuck(t *testing.T) {
	s := clienttest.New(t)
	d := openDoor(t, s, gateway.Limits{}, Config{Keep: true})
	a, b := d.dial(t), d.dial(t)
	key := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	a.Close()
	for range 2 {
		s.StopWorker()
		s.StartWorker()
		if h := d.state(t, "x").Holders; len(h) != 1 || h[0].Owner != key {
			t.Fatalf("%+v", h)
		}
	}
	if r := b.try(t, &pb.TryLockRequest{Name: "x"}); r.GetLocked() {
		t.Error(r)
	}
	if r := b.unlock(t, "x", key); !r.GetUnlocked() { // the old key, from another connection
		t.Error(r)
	}
	again := b.mustTry(t, &pb.TryLockRequest{Name: "x"})
	s.StopWorker()
	s.StartWorker()
	if h := d.state(t, "x").Holders; len(h) != 1 || h[0].Owner != again {
		t.Errorf("%+v", h)
	}
}

// LDLM told nobody who holds and who waits.
func TestBugNobodySeesWhoWaits(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a, b := d.dial(t), d.dial(t)
	key := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	waiting := b.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 1)
	l := d.state(t, "x")
	if l.Holders[0].Owner != key || l.Holders[0].Token == 0 || l.Waiters[0].Client == "" || l.Waiters[0].Client == l.Holders[0].Client {
		t.Errorf("%+v", l)
	}
	first := l.Holders[0].Token
	a.unlock(t, "x", key)
	<-waiting
	if h := d.state(t, "x").Holders; len(h) != 1 || h[0].Token <= first {
		t.Errorf("%+v, after token %d", h, first)
	}
}

// LDLM told timers apart by name and key, written one after the other.
func TestBugNamesThatRunIntoKeys(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	c := d.dial(t)
	key := c.mustTry(t, &pb.TryLockRequest{Name: "x", LockTimeoutSeconds: i32(1000)})
	for _, name := range []string{"x" + key, "x" + key[:1], "x/" + key, "x.*", ">", "x\x00", "…", strings.Repeat("x", 512)} {
		own := c.mustTry(t, &pb.TryLockRequest{Name: name, LockTimeoutSeconds: i32(1000)})
		for _, wrong := range []string{key, key[1:], "", own + " "} {
			if r := c.unlock(t, name, wrong); r.GetUnlocked() {
				t.Errorf("%q: %q unlocks", name, wrong)
			}
		}
		if r := c.unlock(t, name, own); !r.GetUnlocked() {
			t.Errorf("%q: %v", name, r)
		}
	}
	if r, err := c.Renew(t.Context(), &pb.RenewRequest{Name: "x", Key: key, LockTimeoutSeconds: 5}); err != nil || !r.GetLocked() {
		t.Error(r, err)
	}
}

// One session of REST made all others wait.
func TestBugOneRESTSessionHoldsUpOthers(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{})
	a, b := r.browser(t), r.browser(t)
	a.ask(t, "POST", "/session", "")
	s := r.only(t)
	if !s.take(t.Context()) { // as a call that takes long
		t.Fatal()
	}
	waits := make(chan said, 1)
	go func() {
		got, _ := a.ask(t, "POST", "/v1/lock", `{"name":"x"}`)
		waits <- got
	}()
	r.busy(s, 1)
	b.ask(t, "POST", "/session", "")
	b.want(t, "POST", "/v1/lock", `{"name":"y"}`, 200, `{"locked":true,"name":"y","key":"{key}"}`)
	s.give()
	if got := <-waits; got.Code != 200 {
		t.Error(got)
	}
}

// What LDLM's users do: limit a rate by locks that nobody unlocks.
func TestALockIsTakenSoOftenInATime(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{Keep: true})
	for i := range 3 {
		c := d.dial(t)
		c.mustTry(t, &pb.TryLockRequest{Name: "rate", Size: i32(3), LockTimeoutSeconds: i32(1)})
		if i < 2 {
			c.Close()
		}
	}
	c := d.dial(t)
	got, err := c.Lock(t.Context(), &pb.LockRequest{Name: "rate", Size: i32(3), LockTimeoutSeconds: i32(1)})
	if err != nil || !got.GetLocked() {
		t.Fatal(got, err)
	}
	if h := d.state(t, "rate").Holders; len(h) > 3 {
		t.Error(fmt.Sprint(h))
	}
}
