package service_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// Bounds of what must happen on a machine that has much else to do.
const (
	slowDisk = 30 * time.Second // an outcome of the store
	answered = 2 * time.Minute  // a reply
)

// system is a worker on an embedded server, and a caller.
type system struct {
	*caller
	server  *embedded.Server
	store   bus.Store
	present bus.Store // of the sessions
	restart func()    // of the worker alone
	config  *service.Config
	tune    func(*service.Worker)
	stop    func()
}

// start runs a whole natslock in the process.
func start(t *testing.T, dir string) *system {
	t.Helper()
	return startTuned(t, dir, func(*service.Worker) {})
}

// startTuned is start with something done to each worker before it runs.
func startTuned(t *testing.T, dir string, tune func(*service.Worker)) *system {
	t.Helper()
	return startWith(t, dir, nil, tune)
}

// startWith is startTuned with workers of a configuration.
func startWith(t *testing.T, dir string, config *service.Config, tune func(*service.Worker)) *system {
	t.Helper()
	ctx := t.Context()
	server, err := embedded.Start(ctx, embedded.Config{DataDir: dir, Sync: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s := &system{server: server, config: config, tune: tune}
	nc, err := server.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	first, err := bus.FirstSeq(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := bus.OpenBucket(ctx, nc, bus.BucketConfig{Name: "natslock_locks", FirstSeq: first, Timeout: slowDisk})
	if err != nil {
		t.Fatal(err)
	}
	present, err := bus.OpenBucket(ctx, nc, bus.BucketConfig{Name: "natslock_sessions", FirstSeq: first, Memory: true, Timeout: slowDisk})
	if err != nil {
		t.Fatal(err)
	}
	s.store, s.present = bucket, present
	conn, err := server.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	s.caller = &caller{t: t, nc: conn, encoding: schema.MessagePack, patience: answered}
	stopWorker := s.run(nc)
	s.restart = func() {
		stopWorker()
		stopWorker = s.run(nc)
	}
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		conn.Close()
		stopWorker()
		if err := errors.Join(bucket.Close(), present.Close()); err != nil {
			t.Error(err)
		}
		nc.Close()
		if err := server.Shutdown(); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(s.stop)
	return s
}

// run runs a worker until the function that it returns is called.
func (s *system) run(nc *nats.Conn) (stop func()) {
	s.t.Helper()
	worker, err := service.New(nc, s.store, s.present, s.config)
	if err != nil {
		s.t.Fatal(err)
	}
	s.tune(worker)
	ctx, cancel := context.WithCancel(context.WithoutCancel(s.t.Context()))
	ready := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		cancel()
		s.t.Fatalf("worker ended: %v", err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("worker: %v", err)
		}
	}
}
