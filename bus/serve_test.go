package bus_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
)

func callerConn(t testing.TB, s *embedded.Server) *nats.Conn {
	t.Helper()
	nc, err := s.CallerConn(nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func newCaller(t testing.TB, nc *nats.Conn) *bus.Caller {
	t.Helper()
	c, err := bus.NewCaller(nc, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("close caller: %v", err)
		}
	})
	return c
}

// echo serves a subject by answering what was asked.
func echo(t testing.TB, nc *nats.Conn, subject string) *bus.Service {
	t.Helper()
	return serve(t, nc, bus.Endpoint{Name: "echo", Subject: subject, Handler: func(r *bus.Request) {
		if err := bus.Respond(nc, r.Reply, bus.Response{ContentType: r.ContentType, Body: r.Body}); err != nil {
			t.Errorf("respond: %v", err)
		}
	}})
}

func serve(t testing.TB, nc *nats.Conn, endpoints ...bus.Endpoint) *bus.Service {
	t.Helper()
	s, err := bus.Serve(nc, bus.ServiceConfig{Name: "natslock", Version: "1.2.3", Description: "locks", Endpoints: endpoints})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Errorf("stop service: %v", err)
		}
	})
	return s
}

func TestACallGetsItsAnswer(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	echo(t, workerConn(t, server), "lock.*.acquire")
	c := newCaller(t, callerConn(t, server))
	var wg sync.WaitGroup
	for i := range 50 {
		wg.Go(func() {
			want := &bus.Answer{ContentType: "text/plain", Body: fmt.Append(nil, i)}
			got, err := c.Call(t.Context(), "lock.x.acquire", "text/plain", want.Body)
			if err != nil {
				t.Error(err)
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	wg.Wait()
}

func TestAServiceErrorComesInTheHeaders(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc := workerConn(t, server)
	serve(t, nc, bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(r *bus.Request) {
		err := bus.Respond(nc, r.Reply, bus.Response{Body: []byte("{}"), Code: "denied", Message: "first\r\nsecond\x00"})
		if err != nil {
			t.Error(err)
		}
	}})
	got, err := newCaller(t, callerConn(t, server)).Call(t.Context(), "lock.x", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	want := &bus.Answer{Body: []byte("{}"), Code: "denied", Message: "first  second"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestMicroQuestionsAreAnswered(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc := workerConn(t, server)
	serve(t, nc,
		bus.Endpoint{Name: "ok", Subject: "lock.*.ok", Handler: func(r *bus.Request) {
			_ = bus.Respond(nc, r.Reply, bus.Response{})
		}},
		bus.Endpoint{Name: "bad", Subject: "lock.*.bad", Handler: func(r *bus.Request) {
			r.CountError("no good")
			_ = bus.Respond(nc, r.Reply, bus.Response{})
		}})
	caller := callerConn(t, server)
	c := newCaller(t, caller)
	for _, subject := range []string{"lock.x.ok", "lock.y.ok", "lock.x.bad"} {
		if _, err := c.Call(t.Context(), subject, "", nil); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(subject string, v any) {
		t.Helper()
		m, err := caller.Request(subject, nil, patience)
		if err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		if err := json.Unmarshal(m.Data, v); err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
	}
	var ping micro.Ping
	ask("$SRV.PING", &ping)
	if ping.Name != "natslock" || ping.Version != "1.2.3" || ping.Type != micro.PingResponseType || ping.Metadata == nil {
		t.Errorf("ping: %+v", ping)
	}
	var info micro.Info
	ask("$SRV.INFO.natslock", &info)
	want := []micro.EndpointInfo{
		{Name: "ok", Subject: "lock.*.ok", QueueGroup: "q", Metadata: map[string]string{}},
		{Name: "bad", Subject: "lock.*.bad", QueueGroup: "q", Metadata: map[string]string{}},
	}
	if diff := cmp.Diff(want, info.Endpoints); diff != "" || info.Description != "locks" || info.ID != ping.ID {
		t.Errorf("info: %+v\n%s", info, diff)
	}
	var stats micro.Stats
	ask("$SRV.STATS.natslock."+ping.ID, &stats)
	if len(stats.Endpoints) != 2 || stats.Endpoints[0].NumRequests != 2 || stats.Endpoints[0].NumErrors != 0 ||
		stats.Endpoints[1].NumErrors != 1 || stats.Endpoints[1].LastError != "no good" || stats.Started.IsZero() {
		t.Errorf("stats: %+v", stats)
	}
}

func TestAQuestionCannotOverwriteTheStore(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc := workerConn(t, server)
	store := openBucket(t, nc, bus.BucketConfig{})
	echo(t, nc, "elsewhere")
	hostile := callerConn(t, server)
	for _, subject := range []string{"$SRV.PING", "$SRV.INFO", "$SRV.STATS.natslock", "$SYS.REQ.USER.INFO", "$KV.natslock_locks.k"} {
		if err := hostile.PublishRequest(subject, "$KV.natslock_locks.k", nil); err != nil {
			t.Fatal(err)
		}
	}
	// The answer to a question comes after the answers to those before it.
	if _, err := hostile.Request("$SRV.STATS.natslock", nil, patience); err != nil {
		t.Fatal(err)
	}
	if _, err := hostile.Request("$SRV.PING", nil, patience); err != nil {
		t.Fatal(err)
	}
	if e, err := store.Load(t.Context(), "k"); err != nil || e.Revision != 0 {
		t.Errorf("loaded %+v, %v", e, err)
	}
}

func TestStopHandlesWhatWasReceived(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc := workerConn(t, server)
	release, entered := make(chan struct{}), make(chan struct{})
	var first sync.Once
	var handled int
	s := serve(t, nc, bus.Endpoint{Name: "slow", Subject: "lock.slow", Handler: func(*bus.Request) {
		first.Do(func() { close(entered); <-release })
		handled++
	}})
	caller := callerConn(t, server)
	const n = 1000
	for range n {
		if err := caller.Publish("lock.slow", nil); err != nil {
			t.Fatal(err)
		}
	}
	if err := caller.Flush(); err != nil {
		t.Fatal(err)
	}
	<-entered
	stopped := make(chan error)
	go func() { stopped <- s.Stop() }()
	close(release)
	if err := <-stopped; err != nil {
		t.Fatal(err)
	}
	if handled != n {
		t.Errorf("%d of %d requests were handled", handled, n)
	}
	if _, err := newCaller(t, caller).Call(t.Context(), "lock.slow", "", nil); !errors.Is(err, bus.ErrNoService) {
		t.Errorf("a call after Stop: %v", err)
	}
}

func TestAServiceWithoutConnectionStops(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc := workerConn(t, server)
	s := echo(t, nc, "lock.x")
	nc.Close()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

func TestAServiceThatIsNoneIsRefused(t *testing.T) {
	nc := workerConn(t, startServer(t, t.TempDir(), ""))
	handler := func(*bus.Request) {}
	for _, cfg := range []bus.ServiceConfig{
		{Version: "1.0.0"},
		{Name: "a b", Version: "1.0.0"},
		{Name: "a", Version: "1"},
		{Name: "a", Version: "1.0.0", Endpoints: []bus.Endpoint{{Subject: "x", Handler: handler}}},
		{Name: "a", Version: "1.0.0", Endpoints: []bus.Endpoint{{Name: "e", Subject: "x y", Handler: handler}}},
	} {
		before := nc.NumSubscriptions()
		if _, err := bus.Serve(nc, cfg); err == nil {
			t.Errorf("%+v was served", cfg)
		}
		if now := nc.NumSubscriptions(); now != before {
			t.Errorf("%+v left %d subscriptions", cfg, now-before)
		}
	}
}

func TestACallWithoutServiceSaysSo(t *testing.T) {
	c := newCaller(t, callerConn(t, startServer(t, t.TempDir(), "")))
	if _, err := c.Call(t.Context(), "lock.x.acquire", "", nil); !errors.Is(err, bus.ErrNoService) {
		t.Errorf("error %v", err)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	received := make(chan struct{})
	serve(t, workerConn(t, server), bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(*bus.Request) { close(received) }})
	c := newCaller(t, callerConn(t, server))
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-received; cancel() }()
	if _, err := c.Call(ctx, "lock.x", "", nil); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	if _, err := c.Call(ctx, "lock.x", "", nil); err != context.Canceled {
		t.Errorf("error of an ended context %v", err)
	}
}

func TestADeniedCallSaysSo(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	workers := workerConn(t, server)
	echo(t, workers, "lockevent.x")
	c := newCaller(t, callerConn(t, server))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := c.Call(ctx, "lockevent.x", "", nil); !errors.Is(err, bus.ErrDenied) {
		t.Errorf("call: %v", err)
	}
	e := c.Open()
	defer e.Close()
	if err := e.Send("lockevent.x", "", nil); err != nil {
		t.Fatal(err)
	}
	select {
	case a := <-e.Answers():
		if !errors.Is(a.Err, bus.ErrDenied) {
			t.Errorf("exchange: %+v", a)
		}
	case <-ctx.Done():
		t.Error("no answer")
	}
}

func TestATooLargeCallSaysSo(t *testing.T) {
	c := newCaller(t, callerConn(t, startServer(t, t.TempDir(), "")))
	if _, err := c.Call(t.Context(), "lock.x", "", make([]byte, 2<<20)); !errors.Is(err, bus.ErrTooLarge) {
		t.Errorf("error %v", err)
	}
}
