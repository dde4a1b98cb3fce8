package ldlm

import (
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// dialLine is dial, and what the connection goes through.
func (d *opened) dialLine(t *testing.T) (c caller, line func() net.Conn) {
	t.Helper()
	var mu sync.Mutex
	var last net.Conn
	return d.dial(t, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			nc, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
			mu.Lock()
			defer mu.Unlock()
			last = nc
			return nc, err
		})), func() net.Conn {
			mu.Lock()
			defer mu.Unlock()
			return last
		}
}

// TestAResetConnectionHoldsNothing ends a connection as one does whose process is
// killed, while it holds and waits.
func TestAResetConnectionHoldsNothing(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a, line := d.dialLine(t)
	b := d.dial(t)
	a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	a.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 1)
	next := b.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 2)
	if err := line().(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	line().Close()
	if got := <-next; !got.GetLocked() {
		t.Fatal(got)
	}
	if l := d.state(t, "x"); len(l.Waiters) != 0 {
		t.Errorf("%+v", l)
	}
}

func TestAThousandLocksEndWithTheirConnection(t *testing.T) {
	const locks, callers = 1000, 20
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a := d.dial(t)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for n := i; n < locks; n += callers {
				if r, err := a.TryLock(t.Context(), &pb.TryLockRequest{Name: fmt.Sprint(n)}); err != nil || !r.GetLocked() {
					t.Error(r, err)
				}
			}
		})
	}
	all.Wait()
	a.Close()
	for n := range locks {
		d.free(t, fmt.Sprint(n))
	}
}

// TestALostSessionIsTold has a gateway away from the service for so long that its locks
// are lost.
func TestALostSessionIsTold(t *testing.T) {
	s := clienttest.New(t)
	nc, cable := s.Cable()
	d := openDoorOn(t, s, nc, gateway.Config{SessionTTL: time.Second}, Config{})
	other := openDoor(t, s, gateway.Limits{}, Config{}).dial(t)
	rest := d.newREST(t, 0)
	defer rest.Drain(t.Context())
	begun := newRecorder()
	rest.ask(t, begun, "POST", "/session", "", "")
	cookie := begun.Result().Cookies()[0].Value
	rest.ask(t, newRecorder(), "POST", "/v1/lock", `{"name":"z"}`, cookie)

	a, idle := d.dial(t), d.dial(t)
	a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	other.mustTry(t, &pb.TryLockRequest{Name: "y"})
	waiting := a.locking(t.Context(), &pb.LockRequest{Name: "y"})
	d.queued(t, "y", 1)
	if r := idle.unlock(t, "y", "no key"); r.GetUnlocked() {
		t.Error(r)
	}
	cable.Cut()
	if got := <-waiting; status.Code(got.err) != codes.Unavailable {
		t.Error(got)
	}
	for _, name := range []string{"x", "z"} {
		if got, err := other.Lock(t.Context(), &pb.LockRequest{Name: name}); err != nil || !got.GetLocked() {
			t.Fatal(got, err)
		}
	}
	cable.Mend()
	if r := a.try(t, &pb.TryLockRequest{Name: "x"}); r.GetLocked() {
		t.Error(r)
	}
	for _, c := range []caller{a, idle} { // both have new sessions
		key := c.mustTry(t, &pb.TryLockRequest{Name: "free"})
		c.unlock(t, "free", key)
	}
	late := newRecorder()
	if rest.ask(t, late, "POST", "/v1/lock", `{"name":"free"}`, cookie); late.Code != 401 {
		t.Errorf("%d: %s", late.Code, late.Body)
	}
}
