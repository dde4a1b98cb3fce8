package lockd_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
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
	"github.com/natslock/natslock/service/gateway/lockd"
)

// BenchmarkPairs takes and releases locks, one of its own for each of 64 callers: over
// lockd's lines, and over NATS connections of their own.
func BenchmarkPairs(b *testing.B) {
	const callers = 64
	s := clienttest.New(b, clienttest.Listen())
	b.Run("lockd", func(b *testing.B) {
		l := benchDoor(b, s)
		pairs(b, callers, func(i int) func() error {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = c.Close() })
			in := bufio.NewReader(c)
			return func() error { return errors.Join(askOne(c, in, "g", i), askOne(c, in, "r", i)) }
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
			return func() error {
				got, err := c.Call(b.Context(), schema.VerbAcquire, &schema.Acquire{Name: name, Owner: "o", Session: leaf.Session()})
				if err != nil || got.Status != schema.StatusGranted {
					return fmt.Errorf("%v %w", got, err)
				}
				got, err = c.Call(b.Context(), schema.VerbRelease, &schema.Release{Name: name, Token: got.Token})
				if err != nil || got.Status != schema.StatusReleased {
					return fmt.Errorf("%v %w", got, err)
				}
				return nil
			}
		})
	})
}

// askOne sends a command about a lock and reads a reply that must say yes.
func askOne(c net.Conn, in *bufio.Reader, command string, i int) error {
	if _, err := fmt.Fprintf(c, "%s lockd %d\n", command, i); err != nil {
		return err
	}
	line, err := in.ReadSlice('\n')
	if err == nil && line[0] != '1' {
		err = fmt.Errorf("%s: %q", command, line)
	}
	return err
}

func benchDoor(b *testing.B, s *clienttest.Server) net.Listener {
	b.Helper()
	g, err := gateway.New(s.Conn(), gateway.Config{})
	if err != nil {
		b.Fatal(err)
	}
	door, err := g.Door("lockd")
	if err != nil {
		b.Fatal(err)
	}
	l, err := gateway.Listen(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := lockd.New(lockd.Cluster(g.Client, "lockd"), door, lockd.Config{})
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() {
		server.Drain(b.Context())
		_ = g.Close()
	})
	return l
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
