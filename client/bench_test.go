package client_test

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// BenchmarkAcquireRelease is a free lock taken and given back through the
// Client; BenchmarkRequests beside it is the same two requests and no Client.
func BenchmarkAcquireRelease(b *testing.B) {
	s := clienttest.New(b)
	c := s.Client(nil)
	measure(b, func(i int) error {
		l, err := c.TryAcquire(b.Context(), "bench")
		if err != nil {
			return err
		}
		return l.Release(b.Context())
	})
}

func BenchmarkRequests(b *testing.B) {
	s := clienttest.New(b)
	caller, err := bus.NewCaller(s.Conn(), nil)
	if err != nil {
		b.Fatal(err)
	}
	defer caller.Close()
	ttl := int64(30_000)
	ask := func(v schema.Verb, m schema.Message) (*schema.Reply, error) {
		body := schema.Append(nil, schema.MessagePack, m)
		a, err := caller.Call(b.Context(), schema.RequestSubject("default", v, ""), "", body)
		if err != nil {
			return nil, err
		}
		r := new(schema.Reply)
		return r, schema.Decode(schema.MessagePack, a.Body, r)
	}
	measure(b, func(i int) error {
		r, err := ask(schema.VerbAcquire, &schema.Acquire{Name: "bench", Client: "bench", Request: fmt.Sprint(i), TTL: &ttl})
		if err != nil {
			return err
		}
		_, err = ask(schema.VerbRelease, &schema.Release{Name: "bench", Token: r.Token})
		return err
	})
}

// measure runs f and reports the CPU time of the whole process.
func measure(b *testing.B, f func(i int) error) {
	b.ReportAllocs()
	b.ResetTimer()
	before := cpu(b)
	for i := range b.N {
		if err := f(i); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/1000, "cpu-µs/op")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
