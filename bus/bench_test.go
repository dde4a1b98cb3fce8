package bus_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
)

// BenchmarkCommit keeps a window of writes in flight, each to a key of its own,
// as a worker with that many callers does.
func BenchmarkCommit(b *testing.B) {
	for _, memory := range []bool{false, true} {
		for _, window := range []int{1, 64, 256} {
			b.Run(fmt.Sprintf("%s/%d", map[bool]string{false: "file", true: "memory"}[memory], window), func(b *testing.B) {
				store := openBucket(b, workerConn(b, startServer(b, b.TempDir(), "")), bus.BucketConfig{Memory: memory})
				benchmarkCommit(b, store, window)
			})
		}
	}
}

func benchmarkCommit(b *testing.B, store bus.Store, window int) {
	value := make([]byte, 300)
	done := make(chan error, window)
	slots := make([]struct {
		writes []bus.Write
		done   func(uint64, error)
	}, window)
	free := make(chan int, window)
	for i := range slots {
		s := &slots[i]
		s.writes = []bus.Write{{Key: fmt.Sprintf("default.key%d", i), Value: value}}
		s.done = func(revision uint64, err error) {
			s.writes[0].Expected = revision
			if err != nil {
				done <- err
			}
			free <- i
		}
		free <- i
	}
	b.ReportAllocs()
	for b.Loop() {
		i := <-free
		store.Commit(slots[i].writes, slots[i].done)
	}
	for range window {
		<-free
	}
	select {
	case err := <-done:
		b.Fatal(err)
	default:
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commits/s")
}

// BenchmarkServe has many callers wait for the answers of an echo.
func BenchmarkServe(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			server := startServer(b, b.TempDir(), "127.0.0.1:0")
			echo(b, workerConn(b, server), "lock.*.echo")
			conns := []*nats.Conn{connect(b, server.ClientURL()), connect(b, server.ClientURL())}
			var callersOf []*bus.Caller
			for _, nc := range conns {
				callersOf = append(callersOf, newCaller(b, nc))
			}
			body := make([]byte, 150)
			work := make(chan int)
			ended := make(chan error, callers)
			for i := range callers {
				go func() {
					c := callersOf[i%len(callersOf)]
					for range work {
						if _, err := c.Call(b.Context(), "lock.x.echo", "application/json", body); err != nil {
							ended <- err
							return
						}
					}
					ended <- nil
				}()
			}
			b.ReportAllocs()
			for b.Loop() {
				work <- 0
			}
			close(work)
			for range callers {
				if err := <-ended; err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}
