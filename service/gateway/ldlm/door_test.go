package ldlm

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"regexp"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

func TestMain(m *testing.M) {
	ats.Register() // outside of all bubbles
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// never is longer than the machine is held up.
const never = 5 * time.Minute

// opened is a door that is open.
type opened struct {
	*Server
	gateway *gateway.Gateway
	address string
	service *clienttest.Server
	seen    *client.Client // of its realm
}

func openDoor(t testing.TB, s *clienttest.Server, limits gateway.Limits, cfg Config) *opened {
	t.Helper()
	if s == nil {
		s = clienttest.New(t)
	}
	return openDoorOn(t, s, s.Conn(), gateway.Config{Limits: limits, SessionTTL: never}, cfg)
}

// openDoorOn opens a door whose gateway has a connection to a service.
func openDoorOn(t testing.TB, s *clienttest.Server, nc *nats.Conn, of gateway.Config, cfg Config) *opened {
	t.Helper()
	d := closedDoor(t, s, nc, of, cfg)
	l, err := gateway.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.serve(t, l)
	return d
}

// closedDoor is a door without a listener.
func closedDoor(t testing.TB, s *clienttest.Server, nc *nats.Conn, of gateway.Config, cfg Config) *opened {
	t.Helper()
	of.Local = cmp.Or(of.Local, s.Local())
	g, err := gateway.New(nc, of)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	counted, err := g.Door("ldlm")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Realm = "ldlm"
	d := &opened{Server: New(g, counted, cfg), gateway: g, service: s, seen: s.Client(&client.Options{Realm: "ldlm"})}
	d.patience = never
	g.Ready()
	return d
}

// serve serves connections until the test ends.
func (d *opened) serve(t testing.TB, l net.Listener) {
	t.Helper()
	d.address = l.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- d.Serve(l) }()
	t.Cleanup(func() {
		d.gateway.Drain()
		d.Drain(context.Background())
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// caller is a client with a connection of its own.
type caller struct {
	pb.LDLMClient
	*grpc.ClientConn
}

func (d *opened) dial(t testing.TB, options ...grpc.DialOption) caller {
	t.Helper()
	if len(options) == 0 {
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	c, err := grpc.NewClient(d.address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return caller{pb.NewLDLMClient(c), c}
}

// try is a TryLock whose answer must have an error's code, or be locked without one.
func (c caller) try(t *testing.T, r *pb.TryLockRequest) *pb.LockResponse {
	t.Helper()
	response, err := c.TryLock(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return response
}

func (c caller) mustTry(t *testing.T, r *pb.TryLockRequest) (key string) {
	t.Helper()
	response := c.try(t, r)
	if !response.GetLocked() || response.GetError() != nil || response.GetName() != r.GetName() {
		t.Fatal(response)
	}
	return response.GetKey()
}

func (c caller) unlock(t *testing.T, name, key string) *pb.UnlockResponse {
	t.Helper()
	response, err := c.Unlock(t.Context(), &pb.UnlockRequest{Name: name, Key: key})
	if err != nil {
		t.Fatal(err)
	}
	return response
}

// locking is a Lock on its way.
func (c caller) locking(ctx context.Context, r *pb.LockRequest) chan answered {
	done := make(chan answered, 1)
	go func() {
		response, err := c.Lock(ctx, r)
		done <- answered{response, err}
	}()
	return done
}

type answered struct {
	*pb.LockResponse
	err error
}

// queued waits until so many wait for a lock.
func (d *opened) queued(t *testing.T, name string, n int) {
	t.Helper()
	for {
		if l := d.state(t, name); len(l.Waiters) == n {
			return
		}
	}
}

// free waits until nobody holds a lock.
func (d *opened) free(t *testing.T, name string) {
	t.Helper()
	for len(d.state(t, name).Holders) > 0 {
		continue
	}
}

func (d *opened) state(t *testing.T, name string) client.LockState {
	t.Helper()
	states, err := d.seen.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return states[0]
}

func TestTryLockUnlock(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a, b := d.dial(t), d.dial(t)
	key := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(key) {
		t.Errorf("key %q", key)
	}
	if h := d.state(t, "x").Holders; len(h) != 1 || h[0].Owner != key || len(h[0].Sessions) != 1 || h[0].Client == "" {
		t.Errorf("%+v", h)
	}
	for _, c := range []caller{a, b} { // not even its holder
		if r := c.try(t, &pb.TryLockRequest{Name: "x"}); r.GetLocked() || r.GetError() != nil || r.GetKey() == "" || r.GetKey() == key {
			t.Error(r)
		}
	}
	same(t, a.try(t, &pb.TryLockRequest{Name: "x", LockTimeoutSeconds: i32(-1)}),
		&pb.LockResponse{Name: "x", Error: unknown("lock timeout must be greater than 0")})
	if r := a.try(t, &pb.TryLockRequest{Name: "x", Size: i32(2)}); r.GetError().GetCode() != pb.ErrorCode_LockSizeMismatch {
		t.Error(r)
	}
	wrongKey := &pb.UnlockResponse{Name: "x", Error: fault(pb.ErrorCode_InvalidLockKey, "invalid lock key")}
	same(t, b.unlock(t, "x", "other"), wrongKey)
	same(t, b.unlock(t, "x", key), &pb.UnlockResponse{Name: "x", Unlocked: true}) // who knows the key may
	same(t, b.unlock(t, "x", key), wrongKey)
	noLock := fault(pb.ErrorCode_LockDoesNotExist, "a lock by that name does not exist")
	same(t, b.unlock(t, "y", key), &pb.UnlockResponse{Name: "y", Error: noLock})
	same(t, b.unlock(t, "", key), &pb.UnlockResponse{Error: noLock})
	b.mustTry(t, &pb.TryLockRequest{Name: "x", Size: i32(2)}) // a size holds while the lock is in use, not longer
}

func TestSizesAreHowManyHold(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	c := d.dial(t)
	r := &pb.TryLockRequest{Name: "x", Size: i32(2)}
	key := c.mustTry(t, r)
	c.mustTry(t, r)
	if got := c.try(t, r); got.GetLocked() || got.GetError() != nil {
		t.Error(got)
	}
	for _, size := range []*int32{nil, i32(3)} {
		got, err := c.Lock(t.Context(), &pb.LockRequest{Name: "x", Size: size}) // does not wait
		if err != nil || got.GetLocked() || got.GetKey() == "" {
			t.Error(got, err)
		}
		same(t, got.GetError(), fault(pb.ErrorCode_LockSizeMismatch, "lock size mismatch"))
	}
	same(t, c.unlock(t, "x", key), &pb.UnlockResponse{Name: "x", Unlocked: true})
	c.mustTry(t, r)
}

func TestWaitersAreServedInOrder(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	c := d.dial(t)
	key := c.mustTry(t, &pb.TryLockRequest{Name: "x"})
	var waiting []chan answered
	for i := range 5 {
		waiting = append(waiting, d.dial(t).locking(t.Context(), &pb.LockRequest{Name: "x"}))
		d.queued(t, "x", i+1)
	}
	for _, next := range waiting {
		if r := c.try(t, &pb.TryLockRequest{Name: "x"}); r.GetLocked() {
			t.Fatal("overtaken")
		}
		c.unlock(t, "x", key)
		got := <-next
		if got.err != nil || !got.GetLocked() {
			t.Fatal(got)
		}
		key = got.GetKey()
	}
}

func TestWaitIsOver(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	c := d.dial(t)
	c.mustTry(t, &pb.TryLockRequest{Name: "x"})
	got, err := c.Lock(t.Context(), &pb.LockRequest{Name: "x", WaitTimeoutSeconds: i32(1)})
	if err != nil || got.GetLocked() || got.GetKey() == "" {
		t.Fatal(got, err)
	}
	same(t, got.GetError(), fault(pb.ErrorCode_LockWaitTimeout, "timeout waiting to acquire lock"))
	ctx, cancel := context.WithCancel(t.Context())
	waiting := c.locking(ctx, &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 1)
	cancel()
	if got := <-waiting; status.Code(got.err) != codes.Canceled {
		t.Error(got)
	}
	d.queued(t, "x", 0)
}

func TestTimeoutsAndRenew(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a, b := d.dial(t), d.dial(t)
	renew := func(name, key string, seconds int32) *pb.LockResponse {
		t.Helper()
		r, err := b.Renew(t.Context(), &pb.RenewRequest{Name: name, Key: key, LockTimeoutSeconds: seconds})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	key := a.mustTry(t, &pb.TryLockRequest{Name: "x", LockTimeoutSeconds: i32(1000)})
	same(t, renew("x", key, 2000), &pb.LockResponse{Name: "x", Key: key, Locked: true})
	if h := d.state(t, "x").Holders; h[0].TTL != 2000*1000 {
		t.Errorf("%+v", h)
	}
	neither := fault(pb.ErrorCode_LockDoesNotExistOrInvalidKey, "lock does not exist or invalid key")
	untimed := a.mustTry(t, &pb.TryLockRequest{Name: "y"})
	for name, key := range map[string]string{"x": "other", "y": untimed, "z": key, "": key} {
		same(t, renew(name, key, 5), &pb.LockResponse{Name: name, Key: key, Error: neither})
	}
	same(t, renew("x", key, 0), &pb.LockResponse{Name: "x", Error: unknown("lock timeout must be greater than 0")})
	renew("x", key, 1)
	next := b.locking(t.Context(), &pb.LockRequest{Name: "x"})
	if got := <-next; !got.GetLocked() {
		t.Error(got)
	}
	same(t, a.unlock(t, "x", key).GetError(), fault(pb.ErrorCode_InvalidLockKey, "invalid lock key"))
}

func TestLocksEndWithTheirConnection(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a, b := d.dial(t), d.dial(t)
	a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	a.mustTry(t, &pb.TryLockRequest{Name: "y", LockTimeoutSeconds: i32(1000)})
	first := a.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 1)
	second := b.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 2)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-first; got.err == nil {
		t.Error("granted to one who has gone")
	}
	if got := <-second; !got.GetLocked() {
		t.Error(got)
	}
	d.free(t, "y")
}

func TestLocksAreKept(t *testing.T) {
	s := clienttest.New(t)
	d, other := openDoor(t, s, gateway.Limits{}, Config{Keep: true}), openDoor(t, s, gateway.Limits{}, Config{})
	a := d.dial(t)
	keys := map[string]string{
		"x": a.mustTry(t, &pb.TryLockRequest{Name: "x"}),
		"y": a.mustTry(t, &pb.TryLockRequest{Name: "y", LockTimeoutSeconds: i32(1000)}),
	}
	waiting := a.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 1)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	<-waiting
	d.queued(t, "x", 0)
	b := other.dial(t) // at another gateway
	for name, ttl := range map[string]int64{"x": schema.MaxTTL, "y": 1000 * 1000} {
		if h := d.state(t, name).Holders; len(h) != 1 || h[0].TTL != ttl || len(h[0].Sessions) != 0 {
			t.Errorf("%s: %+v", name, h)
		}
		r, err := b.Renew(t.Context(), &pb.RenewRequest{Name: name, Key: keys[name], LockTimeoutSeconds: 5})
		if err != nil || r.GetLocked() != (name == "y") {
			t.Error(name, r, err)
		}
		same(t, b.unlock(t, name, keys[name]), &pb.UnlockResponse{Name: name, Unlocked: true})
	}
}

func TestDrainEndsWaits(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	a := d.dial(t)
	a.mustTry(t, &pb.TryLockRequest{Name: "x"})
	waiting := a.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 1)
	watched, err := healthpb.NewHealthClient(a).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := watched.Recv(); err != nil || r.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Fatal(r, err)
	}
	d.gateway.Drain()
	d.Drain(t.Context())
	if got := <-waiting; status.Code(got.err) != codes.Unavailable {
		t.Error(got)
	}
	d.free(t, "x")
}

func TestPassword(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{Password: "sesame"})
	c := d.dial(t)
	with := func(password string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), "authorization", password)
	}
	for _, try := range []struct {
		ctx  context.Context
		want error
	}{{t.Context(), errNoPassword}, {with("Sesame"), errWrongPassword}, {with(""), errWrongPassword}, {with("sesame"), nil}} {
		_, err := c.TryLock(try.ctx, &pb.TryLockRequest{Name: "x"})
		if fmt.Sprint(err) != fmt.Sprint(try.want) {
			t.Errorf("%v, want %v", err, try.want)
		}
		stream, err := reflectionpb.NewServerReflectionClient(c).ServerReflectionInfo(try.ctx)
		if err != nil {
			t.Fatal(err)
		}
		list := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
		_ = stream.Send(list) // Recv tells why it fails
		r, err := stream.Recv()
		if fmt.Sprint(err) != fmt.Sprint(try.want) {
			t.Errorf("reflection: %v, want %v", err, try.want)
		}
		if err == nil && len(r.GetListServicesResponse().GetService()) < 3 {
			t.Error(r)
		}
		if err := stream.CloseSend(); err != nil {
			t.Error(err)
		}
	}
	h, err := healthpb.NewHealthClient(c).Check(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil || h.GetStatus() != healthpb.HealthCheckResponse_SERVING {
		t.Error(h, err)
	}
}

func TestLimits(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{Connections: 1, Requests: 2, Waiters: 1, Size: 1000}, Config{})
	c := d.dial(t)
	key := c.mustTry(t, &pb.TryLockRequest{Name: "x"})
	waiting := c.locking(t.Context(), &pb.LockRequest{Name: "x"})
	d.queued(t, "x", 1)
	if _, err := c.Lock(t.Context(), &pb.LockRequest{Name: "x"}); fmt.Sprint(err) != fmt.Sprint(errWaiters) {
		t.Error(err)
	}
	if _, err := c.Unlock(t.Context(), &pb.UnlockRequest{Name: string(make([]byte, 1000))}); status.Code(err) != codes.ResourceExhausted {
		t.Error(err)
	}
	if _, err := d.dial(t).TryLock(t.Context(), &pb.TryLockRequest{Name: "y"}); fmt.Sprint(err) != fmt.Sprint(errCrowded) {
		t.Error(err)
	}
	c.unlock(t, "x", key)
	if got := <-waiting; !got.GetLocked() {
		t.Error(got)
	}
}
