package ldlm

import (
	"fmt"
	"testing"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// BenchmarkPairs takes and releases locks, one of its own for each of 64 callers: by
// TryLock and Unlock, and over NATS connections of their own.
func BenchmarkPairs(b *testing.B) {
	s := clienttest.New(b, clienttest.Listen())
	b.Run("ldlm", func(b *testing.B) {
		d := openDoor(b, s, gateway.Limits{}, Config{})
		gatewaytest.Pairs(b, func(i int) func() error {
			c, name := d.dial(b), fmt.Sprint("ldlm ", i)
			return func() error {
				got, err := c.TryLock(b.Context(), &pb.TryLockRequest{Name: name})
				if err != nil || !got.GetLocked() {
					return fmt.Errorf("%v %w", got, err)
				}
				u, err := c.Unlock(b.Context(), &pb.UnlockRequest{Name: name, Key: got.GetKey()})
				if err != nil || !u.GetUnlocked() {
					return fmt.Errorf("%v %w", u, err)
				}
				return nil
			}
		})
	})
	b.Run("nats", func(b *testing.B) {
		gatewaytest.NATSPairs(b, s.URL())
	})
}
