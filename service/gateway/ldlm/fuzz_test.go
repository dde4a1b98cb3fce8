package ldlm

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"google.golang.org/protobuf/proto"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// FuzzCalls calls with anything, over gRPC. Whatever it is, the answer is one, and what
// was granted can be unlocked once.
func FuzzCalls(f *testing.F) {
	d := openDoor(f, nil, gateway.Limits{}, Config{})
	c := d.dial(f)
	f.Add("x", "key", int32(1), int32(0), int32(0), byte(7))
	f.Add("", "", int32(0), int32(-1), int32(1), byte(0))
	f.Add("x\x00>*", "…", int32(1_000_001), int32(86_401), int32(-1), byte(5))
	f.Fuzz(func(t *testing.T, name, key string, size, timeout, wait int32, with byte) {
		if !utf8.ValidString(name) || !utf8.ValidString(key) {
			t.Skip("gRPC refuses that")
		}
		if timeout > 0 && timeout < 1000 {
			timeout += 1000 // it does not end meanwhile
		}
		optional := func(bit byte, n int32) *int32 {
			if with&bit == 0 {
				return nil
			}
			return proto.Int32(n)
		}
		var r *pb.LockResponse
		var err error
		if with&8 == 0 {
			r, err = c.TryLock(t.Context(), &pb.TryLockRequest{Name: name, Size: optional(1, size), LockTimeoutSeconds: optional(2, timeout)})
		} else {
			r, err = c.Lock(t.Context(), &pb.LockRequest{
				Name: name, Size: optional(1, size), LockTimeoutSeconds: optional(2, timeout), WaitTimeoutSeconds: optional(4, wait),
			})
		}
		if err != nil || r.GetName() != name || r.GetLocked() == (r.GetError() != nil) {
			t.Fatal(r, err)
		}
		timed := with&2 != 0 && timeout > 0
		renewed, err := c.Renew(t.Context(), &pb.RenewRequest{Name: name, Key: r.GetKey(), LockTimeoutSeconds: timeout})
		if err != nil || renewed.GetLocked() != (r.GetLocked() && timed) {
			t.Fatal(renewed, err)
		}
		if u, err := c.Unlock(t.Context(), &pb.UnlockRequest{Name: name, Key: key}); err != nil || u.GetUnlocked() {
			t.Fatal(u, err)
		}
		for _, want := range []bool{r.GetLocked(), false} {
			if u, err := c.Unlock(t.Context(), &pb.UnlockRequest{Name: name, Key: r.GetKey()}); err != nil || u.GetUnlocked() != want || u.GetName() != name {
				t.Fatal(u, err)
			}
		}
		if valid := name != "" && len(name) <= schema.MaxName; !valid && r.GetLocked() {
			t.Fatal(r)
		}
	})
}

// FuzzREST sends anything as the body of the calls of REST.
func FuzzREST(f *testing.F) {
	d := openDoor(f, nil, gateway.Limits{}, Config{})
	by := &restSession{session: session{server: d.Server, address: "fuzz", lost: func() {}}}
	f.Cleanup(by.end)
	for _, body := range []string{``, `{}`, `{"name":"x"}`, `{"name":"x","size":2,"lockTimeoutSeconds":"1"}`, `{"name":"x","key":"y","lock_timeout_seconds":5}`, `[`, `{"size":1e3}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		for path, call := range restCalls {
			a := call(t.Context(), by, body)
			var fields map[string]any
			if err := json.Unmarshal(a.body, &fields); err != nil || a.code != 200 && a.code != 400 {
				t.Fatalf("%s: %d %s", path, a.code, a.body)
			}
			if a.undelivered != nil {
				a.undelivered()
			}
		}
	})
}
