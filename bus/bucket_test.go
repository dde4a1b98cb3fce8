package bus_test

import (
	"cmp"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/bus/embedded"
)

// startServer runs a server for one test, over in-process connections only
// unless addr is set.
func startServer(t testing.TB, dir, addr string) *embedded.Server {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Config{DataDir: dir, Addr: addr, Sync: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Shutdown(); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s
}

func workerConn(t testing.TB, s *embedded.Server) *nats.Conn {
	t.Helper()
	nc, err := s.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func openBucket(t testing.TB, nc *nats.Conn, cfg bus.BucketConfig) *bus.Bucket {
	t.Helper()
	if cfg.Name == "" {
		cfg.Name = "natslock_locks"
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, 15*time.Second) // the disk may be slow
	b, err := bus.OpenBucket(t.Context(), nc, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close bucket: %v", err)
		}
	})
	return b
}

func TestAGroupOverABucketPassesTheStoreSuite(t *testing.T) {
	bustest.RunStoreSuite(t, func(t *testing.T) bus.Store {
		return bus.NewGroup(openBucket(t, workerConn(t, startServer(t, t.TempDir(), "")), bus.BucketConfig{}))
	})
}

func TestBucketPassesTheStoreSuite(t *testing.T) {
	for _, memory := range []bool{false, true} {
		name := map[bool]string{false: "file", true: "memory"}[memory]
		t.Run(name, func(t *testing.T) {
			bustest.RunStoreSuite(t, func(t *testing.T) bus.Store {
				return openBucket(t, workerConn(t, startServer(t, t.TempDir(), "")), bus.BucketConfig{Memory: memory})
			})
		})
	}
}
