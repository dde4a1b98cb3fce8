package service_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// system is a worker on an embedded server, and a caller's connection.
type system struct {
	t      *testing.T
	server *embedded.Server
	store  bus.Store
	caller *nats.Conn
	stop   func()
}

// start runs a whole natslock in the process. wrap, if not nil, stands between
// the worker and the store.
func start(t *testing.T, dir string, cfg *service.Config, wrap func(bus.Store) bus.Store) *system {
	t.Helper()
	ctx := t.Context()
	server, err := embedded.Start(ctx, embedded.Config{DataDir: dir, Sync: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	s := &system{t: t, server: server}
	nc, err := server.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	first, err := bus.FirstSeq(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	bucket, err := bus.OpenBucket(ctx, nc, bus.BucketConfig{Name: "natslock_locks", FirstSeq: first})
	if err != nil {
		t.Fatal(err)
	}
	s.store = bucket
	if wrap != nil {
		s.store = wrap(bucket)
	}
	stopWorker := s.run(nc, cfg)
	s.caller, err = server.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	stopped := false
	s.stop = func() {
		if stopped {
			return
		}
		stopped = true
		s.caller.Close()
		stopWorker()
		if err := bucket.Close(); err != nil {
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
func (s *system) run(nc *nats.Conn, cfg *service.Config) (stop func()) {
	s.t.Helper()
	worker, err := service.New(nc, s.store, cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ready := make(chan struct{})
	done := make(chan error, 1)
	go func() { done <- worker.Run(ctx, func() { close(ready) }) }()
	select {
	case <-ready:
	case err := <-done:
		s.t.Fatalf("worker ended: %v", err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			s.t.Errorf("worker: %v", err)
		}
	}
}

// ask sends m as a caller would and returns the reply.
func (s *system) ask(verb schema.Verb, m schema.Message) *schema.Reply {
	s.t.Helper()
	return s.reply(s.send(verb, m))
}

// send sends m and returns where its reply will come.
func (s *system) send(verb schema.Verb, m schema.Message) *nats.Subscription {
	s.t.Helper()
	inbox := s.caller.NewInbox()
	sub, err := s.caller.SubscribeSync(inbox)
	if err != nil {
		s.t.Fatal(err)
	}
	s.sendTo(inbox, verb, m)
	return sub
}

func (s *system) sendTo(inbox string, verb schema.Verb, m schema.Message) {
	s.t.Helper()
	msg := &nats.Msg{Subject: schema.RequestSubject("test", verb, ""), Reply: inbox, Header: nats.Header{}}
	msg.Header.Set("Content-Type", schema.MessagePack.ContentType())
	msg.Data = schema.Append(nil, schema.MessagePack, m)
	if err := s.caller.PublishMsg(msg); err != nil {
		s.t.Fatal(err)
	}
}

// reply waits for the next reply on sub.
func (s *system) reply(sub *nats.Subscription) *schema.Reply {
	s.t.Helper()
	msg, err := sub.NextMsg(10 * time.Second)
	if err != nil {
		s.t.Fatalf("no reply: %v", err)
	}
	r := new(schema.Reply)
	if err := schema.Decode(schema.MessagePack, msg.Data, r); err != nil {
		s.t.Fatalf("reply: %v", err)
	}
	return r
}

// want fails the test if r has another status.
func (s *system) want(r *schema.Reply, status schema.Status) *schema.Reply {
	s.t.Helper()
	if r.Status != status {
		s.t.Fatalf("status %s (%s), want %s", r.Status, r.Message, status)
	}
	return r
}
