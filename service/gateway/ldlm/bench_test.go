package ldlm

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// BenchmarkPairs takes and releases locks, one of its own for each of 64 callers: by
// TryLock and Unlock, and over NATS connections of their own.
func BenchmarkPairs(b *testing.B) {
	const callers = 64
	s := clienttest.New(b, clienttest.Listen())
	b.Run("ldlm", func(b *testing.B) {
		d := openDoor(b, s, gateway.Limits{}, Config{})
		pairs(b, callers, func(i int) func() error {
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
		pairs(b, callers, func(i int) func() error {
			nc, err := nats.Connect(s.URL())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(nc.Close)
			c, err := client.New(nc, nil)
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = c.Close() })
			leaf, err := c.OpenLeaf(b.Context(), "")
			if err != nil {
				b.Fatal(err)
			}
			name := fmt.Sprint("nats ", i)
			return func() error { return pair(b, c, leaf.Session(), name) }
		})
	})
}

func pair(b *testing.B, c *client.Client, session, name string) error {
	got, err := c.Call(b.Context(), schema.VerbAcquire, &schema.Acquire{Name: name, Owner: "o", Session: session})
	if err != nil || got.Status != schema.StatusGranted {
		return errors.Join(err, fmt.Errorf("%v", got))
	}
	got, err = c.Call(b.Context(), schema.VerbRelease, &schema.Release{Name: name, Token: got.Token})
	if err != nil || got.Status != schema.StatusReleased {
		return errors.Join(err, fmt.Errorf("%v", got))
	}
	return nil
}

// pairs has callers do something b.N times, together, and reports the time that the
// slowest of a thousand took.
func pairs(b *testing.B, callers int, caller func(i int) func() error) {
	b.Helper()
	do := make([]func() error, callers)
	for i := range do {
		do[i] = caller(i)
		if err := do[i](); err != nil { // sessions are opened
			b.Fatal(err)
		}
	}
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for _, one := range do {
		all.Go(func() {
			for i := next.Add(1); i <= int64(b.N); i = next.Add(1) {
				start := time.Now()
				if err := one(); err != nil {
					b.Error(err)
					return
				}
				took[i-1] = time.Since(start)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pairs/s")
	b.ReportMetric(float64(took[len(took)*999/1000].Microseconds())/1000, "p99.9-ms")
}
