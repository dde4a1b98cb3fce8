package service_test

import (
	"context"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// bubble is a natslock whose time is not real: minutes cost nothing, and
// settle waits until nothing is left to happen. Its store is in memory and
// fails as it is told to; callers and workers meet on a NATS server that keeps
// nothing.
type bubble struct {
	*caller
	t        *testing.T
	server   *server.Server
	store    *bustest.Memory
	sessions *bustest.Memory // of the sessions
	workers  []*running
	tune     func(*service.Worker) // before it runs
}

// running is a worker at work.
type running struct {
	worker *service.Worker
	nc     *nats.Conn
	cancel context.CancelFunc
	done   chan error
	ended  bool
}

// inBubble runs a test in a bubble of its own, with one worker.
func inBubble(t *testing.T, test func(*bubble)) {
	t.Helper()
	inBubbleOf(t, 1, test)
}

// inBubbleOf runs a test with n workers.
func inBubbleOf(t *testing.T, n int, test func(*bubble)) {
	t.Helper()
	// Timers that nats.go keeps in pools must not reach another bubble.
	clean := func() {
		runtime.GC()
		runtime.GC()
	}
	clean()
	defer clean()
	bubbletest.Run(t, func(t *testing.T) {
		b := &bubble{t: t, store: bustest.NewMemory(), sessions: bustest.NewMemory()}
		t.Cleanup(b.burst)
		b.serve()
		b.caller = b.connect()
		for range n {
			b.start(b.store, nil)
		}
		test(b)
	})
}

// serve starts the NATS server.
func (b *bubble) serve() {
	srv, err := server.NewServer(&server.Options{DontListen: true, NoSigs: true, NoLog: true})
	if err != nil {
		b.t.Fatal(err)
	}
	b.server = srv
	srv.Start()
}

// connect makes one more caller.
func (b *bubble) connect(options ...nats.Option) *caller {
	b.t.Helper()
	return &caller{t: b.t, nc: b.dial(options...), encoding: schema.MessagePack, patience: 2 * time.Hour}
}

func (b *bubble) dial(options ...nats.Option) *nats.Conn {
	b.t.Helper()
	// A queue is made in full for each inbox that is listened to.
	options = append([]nats.Option{nats.InProcessServer(b.server), nats.SyncQueueLen(1 << 13)}, options...)
	nc, err := nats.Connect("", append(bus.Defaults(), options...)...)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(nc.Close)
	return nc
}

// start starts one more worker, and returns when it is ready.
func (b *bubble) start(store bus.Store, cfg *service.Config) *running {
	b.t.Helper()
	w := b.launch(b.dial(), store, cfg)
	b.workers = append(b.workers, w)
	return w
}

// launch runs a worker until it is stopped.
func (b *bubble) launch(nc *nats.Conn, store bus.Store, cfg *service.Config) *running {
	b.t.Helper()
	return b.launchWith(nc, store, b.sessions, cfg)
}

// launchOn starts a worker with another store of the sessions.
func (b *bubble) launchOn(sessions bus.Store) {
	b.t.Helper()
	b.workers = append(b.workers, b.launchWith(b.dial(), b.store, sessions, nil))
}

func (b *bubble) launchWith(nc *nats.Conn, store, sessions bus.Store, cfg *service.Config) *running {
	b.t.Helper()
	worker, err := service.New(nc, store, sessions, cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	if b.tune != nil {
		b.tune(worker)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(b.t.Context()))
	w := &running{worker: worker, nc: nc, cancel: cancel, done: make(chan error, 1)}
	ready := make(chan struct{})
	go func() { w.done <- worker.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-w.done:
		cancel()
		b.t.Fatalf("worker ended: %v", err)
	}
	return w
}

// stop ends a worker, and returns how long that took.
func (w *running) stop(t *testing.T) time.Duration {
	t.Helper()
	if w.ended {
		return 0
	}
	w.ended = true
	begin := time.Now()
	w.cancel()
	if err := <-w.done; err != nil {
		t.Errorf("worker: %v", err)
	}
	return time.Since(begin)
}

// burst ends everything.
func (b *bubble) burst() {
	for _, m := range []*bustest.Memory{b.store, b.sessions} {
		m.SetDown(false)
		m.Fail(nil)
	}
	b.pass(5 * time.Second)
	for _, w := range b.workers {
		w.rests(b.t)
		w.stop(b.t)
		w.nc.Close()
	}
	if b.caller != nil {
		b.caller.nc.Close()
	}
	if b.server != nil {
		b.server.Shutdown()
		b.server.WaitForShutdown()
	}
	b.store.Close()
	b.sessions.Close()
	time.Sleep(time.Second) // until nats.go has looked in vain whether its drained subscriptions are still there
}

// rests fails the test if a worker has anything left to do.
func (w *running) rests(t *testing.T) {
	t.Helper()
	if w.ended {
		return
	}
	undecided, batches, rings := w.worker.Undecided(), w.worker.InFlight(), w.worker.Ringing()
	jobs, urgent := w.worker.Queued()
	if undecided != 0 || batches != 0 || rings != 0 || jobs != 0 || urgent != 0 {
		t.Errorf("a worker at rest has %d requests, %d batches, %d rings, %d jobs and %d urgent ones on their way",
			undecided, batches, rings, jobs, urgent)
	}
}

// settle waits until nothing is left to happen at this instant.
func (b *bubble) settle() {
	synctest.Wait()
}

// pass lets time pass, and then settles.
func (b *bubble) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// countWrites begins to note the keys of each write, and returns what tells them.
func (b *bubble) countWrites() (keys func() []string) {
	var mu sync.Mutex
	var list []string
	b.store.Fail(func(writes []bus.Write) bustest.Fault {
		mu.Lock()
		defer mu.Unlock()
		var names []string
		for _, w := range writes {
			names = append(names, w.Key)
		}
		list = append(list, strings.Join(names, " "))
		return bustest.Fault{}
	})
	return func() []string {
		mu.Lock()
		defer mu.Unlock()
		return list
	}
}
