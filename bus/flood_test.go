package bus_test

import (
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
)

// written are the lines of a log.
type written chan string

func (w written) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

// While one request is handled come more than are kept.
func TestAFloodOfRequestsIsRefusedAndBounded(t *testing.T) {
	for name, c := range map[string]struct{ flood, size, inTime, handled int }{
		"many":  {flood: 40_000, size: 0, inTime: 20_000, handled: 32_769},
		"large": {flood: 200, size: 64 << 10, inTime: 63, handled: 128},
	} {
		t.Run(name, func(t *testing.T) {
			log := make(written, 10)
			server := startServer(t, t.TempDir(), "")
			options := bus.Logged(slog.New(slog.NewTextHandler(log, nil)))
			worker, err := server.WorkerConn(options...)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(worker.Close)
			held, let := make(chan struct{}), make(chan struct{})
			var handled, behind atomic.Int64
			s := serve(t, worker, bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(r *bus.Request) {
				if handled.Add(1) == 1 {
					close(held)
					<-let
				}
				if r.Behind {
					behind.Add(1)
				}
			}})
			nc := callerConn(t, server)
			body := make([]byte, c.size)
			publish(t, nc, body)
			waitFor(t, held)
			for range c.flood {
				publish(t, nc, body)
			}
			if err := nc.Flush(); err != nil {
				t.Fatal(err)
			}
			if err := worker.Flush(); err != nil { // after it, all have arrived
				t.Fatal(err)
			}
			close(let)
			if err := s.Stop(); err != nil {
				t.Fatal(err)
			}
			inTime, all := int(handled.Load()-behind.Load()), int(handled.Load())
			if inTime < c.inTime-2 || inTime > c.inTime+2 || all < c.handled-2 || all > c.handled {
				t.Errorf("%d of %d were handled, %d in time; want %d and %d", all, c.flood+1, inTime, c.handled, c.inTime)
			}
			if line := waitFor(t, log); !strings.Contains(line, "some were lost") || !strings.Contains(line, "lost_so_far=") {
				t.Errorf("logged %q", line)
			}
		})
	}
}

func publish(t *testing.T, nc *nats.Conn, body []byte) {
	t.Helper()
	if err := nc.Publish("lock.x", body); err != nil {
		t.Fatal(err)
	}
}
