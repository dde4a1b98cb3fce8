// Package gatewaytest has what the tests of several doors share, and their benchmarks, so that their
// figures can be compared.
package gatewaytest

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// Callers is how many take and release locks at a time.
const Callers = 64

// Pairs has Callers do something b.N times, together, and reports how often they did in a
// second and the time that the slowest of a thousand took. caller makes what one of them
// does; it is done once before the clock runs.
func Pairs(b *testing.B, caller func(i int) func() error) {
	b.Helper()
	do := make([]func() error, Callers)
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

// NATSPairs is the baseline: each caller takes and releases a lock of its own over a NATS
// connection of its own to url.
func NATSPairs(b *testing.B, url string) {
	b.Helper()
	Pairs(b, func(i int) func() error {
		nc, err := nats.Connect(url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(nc.Close)
		c, err := client.New(nc, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { _ = c.Close() }) // the measuring is over
		leaf, err := c.OpenLeaf(b.Context(), "")
		if err != nil {
			b.Fatal(err)
		}
		name := fmt.Sprint("nats ", i)
		return func() error { return pair(b, c, leaf.Session(), name) }
	})
}

func pair(b *testing.B, c *client.Client, session, name string) error {
	b.Helper()
	got, err := c.Call(b.Context(), schema.VerbAcquire, &schema.Acquire{Name: name, Owner: "o", Session: session})
	if err != nil || got.Status != schema.StatusGranted {
		return fmt.Errorf("%v %w", got, err)
	}
	got, err = c.Call(b.Context(), schema.VerbRelease, &schema.Release{Name: name, Token: got.Token})
	if err != nil || got.Status != schema.StatusReleased {
		return fmt.Errorf("%v %w", got, err)
	}
	return nil
}
