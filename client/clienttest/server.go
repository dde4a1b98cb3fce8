package clienttest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/service"
)

// firstSeq makes tokens as long as real ones. It does not go by the clock, which
// is an early one inside a bubble.
const firstSeq = 1_000_000_000_000

// Server is a whole natslock. Client and Conn end the test when they fail, so
// they are called from the test's goroutine.
type Server struct {
	t      testing.TB
	nats   *embedded.Server
	worker *nats.Conn
	system *nats.Conn     // sees connections end, for the worker
	stores [2]*bus.Bucket // of locks and of sessions
	local  bus.Local

	mu   sync.Mutex
	stop func() // stops the worker; nil while it does not run
}

// Option says how a Server is to be.
type Option func(*embedded.Config)

// Listen has the Server listen on a free port of the loopback address, for what
// is not in the process: see URL.
func Listen() Option {
	return func(cfg *embedded.Config) { cfg.Addr = "127.0.0.1:0" }
}

// New starts a natslock that ends with the test.
func New(t testing.TB, opts ...Option) *Server {
	t.Helper()
	s := &Server{t: t}
	cfg := embedded.Config{DataDir: t.TempDir(), Sync: time.Hour}
	for _, opt := range opts {
		opt(&cfg)
	}
	t.Cleanup(s.close)
	var err error
	if s.nats, err = embedded.Start(t.Context(), cfg); err != nil {
		t.Fatalf("clienttest: %v", err)
	}
	if s.worker, err = s.nats.WorkerConn(); err != nil {
		t.Fatalf("clienttest: %v", err)
	}
	if s.system, err = s.nats.SystemConn(); err != nil {
		t.Fatalf("clienttest: %v", err)
	}
	for i, name := range []string{"natslock_locks", "natslock_sessions"} {
		bucket := bus.BucketConfig{Name: name, Memory: true, FirstSeq: firstSeq}
		if s.stores[i], err = bus.OpenBucket(t.Context(), s.worker, bucket); err != nil {
			t.Fatalf("clienttest: %v", err)
		}
	}
	s.StartWorker()
	return s
}

// Client returns a new Client on a connection of its own. It is closed when the
// test ends. opts may be nil.
func (s *Server) Client(opts *client.Options) *client.Client {
	s.t.Helper()
	c, err := client.New(s.Conn(), opts)
	if err != nil {
		s.t.Fatalf("clienttest: %v", err)
	}
	s.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			s.t.Logf("clienttest: close the client: %v", err)
		}
	})
	return c
}

// Conn returns a new connection with the rights of a caller. It is closed when
// the test ends.
func (s *Server) Conn(options ...nats.Option) *nats.Conn {
	s.t.Helper()
	nc, err := s.nats.CallerConn(options...)
	if err != nil {
		s.t.Fatalf("clienttest: %v", err)
	}
	s.t.Cleanup(nc.Close)
	return nc
}

// Local joins what is in the process of the worker to it, as a gateway mostly is.
func (s *Server) Local() *bus.Local { return &s.local }

// URL is where to connect from outside the process; "" without Listen.
func (s *Server) URL() string { return s.nats.ClientURL() }

// StopWorker stops the worker: from now on nobody answers, which is what an
// outage is like for callers. What is held stays in the store. It does nothing
// when the worker does not run.
func (s *Server) StopWorker() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		s.stop()
		s.stop = nil
	}
}

// StartWorker starts the worker again, and returns when it answers. It does
// nothing when the worker runs.
func (s *Server) StartWorker() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stop != nil {
		return
	}
	worker, err := service.New(s.worker, s.stores[0], s.stores[1], &service.Config{Local: &s.local, Listening: s.nats.Listening})
	if err != nil {
		s.t.Errorf("clienttest: %v", err)
		return
	}
	unwatch, err := bus.Departures(s.system, embedded.Account, worker.ConnectionClosed)
	if err != nil {
		s.t.Errorf("clienttest: %v", err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := worker.Run(ctx, func() { close(ready) }); err != nil {
			s.t.Errorf("clienttest: worker: %v", err)
		}
	}()
	s.stop = func() {
		if err := unwatch(); err != nil {
			s.t.Errorf("clienttest: %v", err)
		}
		cancel()
		<-done
	}
	select {
	case <-ready:
	case <-done:
	}
}

// close ends everything, in the reverse order.
func (s *Server) close() {
	defer settle()
	s.StopWorker()
	for _, store := range s.stores {
		if store == nil {
			continue
		}
		if err := store.Close(); err != nil {
			s.t.Errorf("clienttest: %v", err)
		}
	}
	for _, nc := range []*nats.Conn{s.system, s.worker} {
		if nc != nil {
			nc.Close()
		}
	}
	if s.nats != nil {
		if err := s.nats.Shutdown(); err != nil {
			s.t.Errorf("clienttest: %v", err)
		}
	}
}

// settle lets goroutines of NATS end that look for the end of a connection now
// and then: a bubble must be left without any. The clock of a bubble starts in
// the year 2000, and there a second is over at once; elsewhere nobody waits.
func settle() {
	if time.Now().Year() < 2020 {
		time.Sleep(time.Second)
	}
}
