package ldlm

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/natslock/natslock/schema"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

func i32(n int32) *int32 { return proto.Int32(n) }

func TestRequestsBecomeAcquires(t *testing.T) {
	const day = schema.MaxTTL
	for _, c := range []struct {
		name    string
		a       attempt
		session string
		want    schema.Acquire
		ttl     int64
		wait    int64
	}{
		{"try", tryAttempt(&pb.TryLockRequest{Name: "x"}), "s/l", schema.Acquire{Session: "s/l", Size: 1}, 0, 0},
		{
			"sized try with a timeout", tryAttempt(&pb.TryLockRequest{Name: "x", Size: i32(3), LockTimeoutSeconds: i32(7)}), "s/l",
			schema.Acquire{Session: "s/l", Size: 3}, 7000, 0,
		},
		{"lock", lockAttempt(&pb.LockRequest{Name: "x"}), "s/l", schema.Acquire{Session: "s/l", Size: 1}, 0, schema.WaitForever},
		{
			"lock with all", lockAttempt(&pb.LockRequest{Name: "x", Size: i32(2), LockTimeoutSeconds: i32(5), WaitTimeoutSeconds: i32(4)}), "s/l",
			schema.Acquire{Session: "s/l", Size: 2}, 5000, 4000,
		},
		{"kept without a timeout", lockAttempt(&pb.LockRequest{Name: "x"}), "", schema.Acquire{Size: 1, Meta: untimed}, day, schema.MaxWait},
		{"kept with one", tryAttempt(&pb.TryLockRequest{Name: "x", LockTimeoutSeconds: i32(day / 1000)}), "", schema.Acquire{Size: 1}, day, 0},
		{"long wait", lockAttempt(&pb.LockRequest{Name: "x", WaitTimeoutSeconds: i32(1 << 30)}), "s/l", schema.Acquire{Session: "s/l", Size: 1}, 0, schema.MaxWait},
	} {
		t.Run(c.name, func(t *testing.T) {
			if r := c.a.refusal("k"); r != nil {
				t.Fatal(r)
			}
			c.want.Name, c.want.Client, c.want.Owner, c.want.Request, c.want.Mode = "x", "peer", "k", "k", schema.ModeShared
			c.want.TTL = &c.ttl
			got := c.a.acquire("k", "peer", c.session)
			if diff := cmp.Diff(&c.want, got); diff != "" {
				t.Error(diff)
			}
			if got.Wait, _ = c.a.waitAfter(0, c.session != ""); got.Wait != c.wait {
				t.Errorf("waits %d, want %d", got.Wait, c.wait)
			}
			if err := got.Validate(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAttemptsThatMakeNoSense(t *testing.T) {
	for _, c := range []struct {
		r       *pb.LockRequest
		code    pb.ErrorCode
		message string
		key     string
	}{
		{&pb.LockRequest{}, pb.ErrorCode_Unknown, "lock name cannot be empty", "k"},
		{&pb.LockRequest{Name: "x", LockTimeoutSeconds: i32(-1)}, pb.ErrorCode_Unknown, "lock timeout must be greater than 0", ""},
		{&pb.LockRequest{Name: "x", WaitTimeoutSeconds: i32(-1)}, pb.ErrorCode_Unknown, "wait timeout must be greater than 0", ""},
		{&pb.LockRequest{Name: "x", Size: i32(0)}, pb.ErrorCode_InvalidLockSize, "lock size must be greater than 0", "k"},
		{&pb.LockRequest{Name: "x", Size: i32(-1)}, pb.ErrorCode_InvalidLockSize, "lock size must be greater than 0", "k"},
		{&pb.LockRequest{Name: "x", Size: i32(1_000_001)}, pb.ErrorCode_InvalidLockSize, "lock size must not be greater than 1000000", "k"},
		{&pb.LockRequest{Name: "x", LockTimeoutSeconds: i32(86_401)}, pb.ErrorCode_Unknown, "lock timeout must not be greater than 86400", ""},
		{&pb.LockRequest{Name: strings.Repeat("x", 513)}, pb.ErrorCode_Unknown, "lock name cannot have more than 512 bytes", "k"},
	} {
		a := lockAttempt(c.r)
		want := &pb.LockResponse{Name: c.r.GetName(), Key: c.key, Error: fault(c.code, c.message)}
		if diff := cmp.Diff(want, a.refusal("k"), protocmp.Transform()); diff != "" {
			t.Errorf("%v: %s", c.r, diff)
		}
	}
}

func TestRepliesBecomeResponses(t *testing.T) {
	a := attempt{name: "x", size: 1}
	for _, c := range []struct {
		status schema.Status
		want   *pb.LockResponse
		code   codes.Code
	}{
		{schema.StatusGranted, &pb.LockResponse{Locked: true}, codes.OK},
		{schema.StatusHeld, &pb.LockResponse{}, codes.OK},
		{schema.StatusTimeout, &pb.LockResponse{Error: fault(pb.ErrorCode_LockWaitTimeout, "timeout waiting to acquire lock")}, codes.OK},
		{schema.StatusSizeMismatch, &pb.LockResponse{Error: fault(pb.ErrorCode_LockSizeMismatch, "lock size mismatch")}, codes.OK},
		{schema.StatusLimit, &pb.LockResponse{Error: unknown("why")}, codes.OK},
		{schema.StatusDenied, &pb.LockResponse{Error: unknown("why")}, codes.OK},
		{schema.StatusInvalid, &pb.LockResponse{Error: unknown("why")}, codes.OK},
		{schema.StatusInternal, &pb.LockResponse{Error: unknown("why")}, codes.OK},
		{schema.StatusUnavailable, nil, codes.Unavailable},
		{schema.StatusSessionExpired, nil, codes.Unavailable},
		{schema.StatusCanceled, nil, codes.Unavailable},
	} {
		got, err := a.decided("k", &schema.Reply{Status: c.status, Message: "why"})
		if c.want != nil {
			c.want.Name, c.want.Key = "x", "k"
		}
		if diff := cmp.Diff(c.want, got, protocmp.Transform()); diff != "" || status.Code(err) != c.code {
			t.Errorf("%s: %v %s", c.status, err, diff)
		}
	}
}

func TestWaitsAreInSecondsAndTakenInParts(t *testing.T) {
	const day = 24 * time.Hour
	a := attempt{waits: true, wait: 2 * 86_400}
	for _, c := range []struct {
		waited time.Duration
		want   int64
		over   bool
	}{{0, schema.MaxWait, false}, {day + time.Hour, 23 * 3_600_000, false}, {2 * day, 0, true}} {
		if got, over := a.waitAfter(c.waited, true); got != c.want || over != c.over {
			t.Errorf("after %s: %d %t", c.waited, got, over)
		}
	}
	if got, over := (&attempt{waits: true}).waitAfter(day, false); got != schema.MaxWait || over {
		t.Errorf("kept, without end: %d %t", got, over)
	}
}

func TestUnlockAndRenewAnswers(t *testing.T) {
	mine := schema.Holder{Owner: "k", Client: "peer", Token: 9, TTL: 5000}
	reply := func(holders ...schema.Holder) *schema.Reply {
		return &schema.Reply{Status: schema.StatusOK, Locks: []schema.LockState{{Name: "x", Holders: holders}}}
	}
	f := find(reply(schema.Holder{Owner: "o"}, mine), "k")
	ttl := int64(7000)
	if diff := cmp.Diff(&schema.Renew{Name: "x", Client: "peer", Token: 9, TTL: &ttl}, f.renew("x", 7)); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&schema.Release{Name: "x", Client: "peer", Token: 9}, f.release("x")); diff != "" {
		t.Error(diff)
	}
	noTimer, kept := mine, mine
	noTimer.TTL, kept.Meta = 0, untimed
	for _, c := range []struct {
		holders []schema.Holder
		key     string
		mine    bool
		timed   bool
	}{
		{nil, "k", false, false},
		{[]schema.Holder{mine}, "other", false, false},
		{[]schema.Holder{mine}, "", false, false},
		{[]schema.Holder{mine}, "k", true, true},
		{[]schema.Holder{noTimer}, "k", true, false},
		{[]schema.Holder{kept}, "k", true, false},
	} {
		f := find(reply(c.holders...), c.key)
		if (f.hold != nil) != c.mine || f.timed() != c.timed || f.holders != len(c.holders) {
			t.Errorf("%+v: %+v", c, f)
		}
	}
	wrongKey := fault(pb.ErrorCode_InvalidLockKey, "invalid lock key")
	noLock := fault(pb.ErrorCode_LockDoesNotExist, "a lock by that name does not exist")
	same(t, notUnlocked("x", true), &pb.UnlockResponse{Name: "x", Error: wrongKey})
	same(t, notUnlocked("x", false), &pb.UnlockResponse{Name: "x", Error: noLock})
	neither := fault(pb.ErrorCode_LockDoesNotExistOrInvalidKey, "lock does not exist or invalid key")
	for _, c := range []struct {
		status   schema.Status
		unlocked *pb.UnlockResponse
		renewed  *pb.LockResponse
	}{
		{schema.StatusReleased, &pb.UnlockResponse{Name: "x", Unlocked: true}, nil},
		{schema.StatusRenewed, nil, &pb.LockResponse{Name: "x", Key: "k", Locked: true}},
		{schema.StatusNotHeld, &pb.UnlockResponse{Name: "x", Error: wrongKey}, &pb.LockResponse{Name: "x", Key: "k", Error: neither}},
		{schema.StatusDenied, &pb.UnlockResponse{Name: "x", Error: unknown("why")}, &pb.LockResponse{Name: "x", Key: "k", Error: unknown("why")}},
	} {
		r := &schema.Reply{Status: c.status, Message: "why"}
		if c.unlocked != nil {
			got, err := released("x", r, nil)
			if err != nil {
				t.Error(err)
			}
			same(t, got, c.unlocked)
		}
		if c.renewed != nil {
			got, err := renewed("x", "k", r)
			if err != nil {
				t.Error(err)
			}
			same(t, got, c.renewed)
		}
	}
	for _, seconds := range []int32{0, -1} {
		same(t, renewRefusal(&pb.RenewRequest{Name: "x", Key: "k", LockTimeoutSeconds: seconds}),
			&pb.LockResponse{Name: "x", Error: unknown("lock timeout must be greater than 0")})
	}
	if r := renewRefusal(&pb.RenewRequest{Name: "x", Key: "k", LockTimeoutSeconds: 1}); r != nil {
		t.Error(r)
	}
}

func same(t *testing.T, got, want proto.Message) {
	t.Helper()
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Error(diff)
	}
}

func TestLocksAreRememberedForAMinute(t *testing.T) {
	var m memory
	now := time.Unix(1e9, 0)
	m.use("x", now, now.Add(time.Hour))
	m.use("x", now, now.Add(time.Second)) // of another holder
	if !m.knows("x", now.Add(time.Hour+time.Minute)) || m.knows("x", now.Add(time.Hour+time.Minute+1)) || m.knows("y", now) {
		t.Error("not as long as it is in use and a minute")
	}
	m.use("x", now, now.Add(time.Hour))
	m.end("x", now)
	if !m.knows("x", now.Add(time.Minute)) || m.knows("x", now.Add(time.Minute+1)) {
		t.Error("not a minute after its release")
	}
	for i := range 3 * maxNames / 2 {
		m.end(strings.Repeat("n", i%512)+string(rune('a'+i/512%26))+string(rune('a'+i/512/26)), now)
	}
	if n := len(m.until); n > maxNames || n < maxNames/2 {
		t.Errorf("%d are remembered", n)
	}
}
