package bus_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
)

// patience bounds the wait for what must happen.
const patience = 20 * time.Second

func waitFor[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatal("it did not happen")
		panic("unreachable")
	}
}

func connect(t testing.TB, url string) *nats.Conn {
	t.Helper()
	nc, err := bus.Connect(t.Context(), url, bus.ConnectConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func TestAnAnswerToNobodyIsUnheard(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	nc := workerConn(t, server)
	const prefix = bus.Reserved + ".undo.abc"
	unheard := make(chan string, 10)
	stop, err := bus.Unheard(nc, prefix, func(subject string) { unheard <- subject })
	if err != nil {
		t.Fatal(err)
	}
	caller := callerConn(t, server)
	listening, err := caller.SubscribeSync("_INBOX.here")
	if err != nil {
		t.Fatal(err)
	}
	if err := caller.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, inbox := range []string{"_INBOX.here", "_INBOX.gone"} {
		if err := bus.Respond(nc, inbox, bus.Response{ContentType: "x", Body: []byte("{}"), Undo: prefix + "." + inbox[7:]}); err != nil {
			t.Fatal(err)
		}
	}
	if got := waitFor(t, unheard); got != prefix+".gone" {
		t.Errorf("unheard %s", got)
	}
	if m, err := listening.NextMsg(patience); err != nil || string(m.Data) != "{}" {
		t.Errorf("heard %v, %v", m, err)
	}
	// Only the server's word counts.
	if err := nc.Publish(prefix+".claim", nil); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if len(unheard) > 0 {
		t.Errorf("unheard %s", <-unheard)
	}
}

func TestACallEndsWhenTheConnectionIsLost(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Config{DataDir: t.TempDir(), Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	worker := workerConn(t, server)
	received := make(chan struct{}, 1)
	serve(t, worker, bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(*bus.Request) { received <- struct{}{} }})
	c := newCaller(t, connect(t, server.ClientURL()))
	ended := make(chan error)
	go func() {
		_, err := c.Call(context.WithoutCancel(t.Context()), "lock.x", "", nil)
		ended <- err
	}()
	waitFor(t, received)
	lost := c.Disconnected()
	if err := server.Shutdown(); err != nil {
		t.Fatal(err)
	}
	if err := waitFor(t, ended); !errors.Is(err, bus.ErrDisconnected) {
		t.Errorf("error %v", err)
	}
	waitFor(t, lost)
	if _, err := c.Call(t.Context(), "lock.x", "", nil); !errors.Is(err, bus.ErrDisconnected) {
		t.Errorf("without a connection: error %v", err)
	}
	if err := c.Open().Send("lock.x", "", nil); !errors.Is(err, bus.ErrDisconnected) {
		t.Errorf("send without a connection: error %v", err)
	}
}

func TestAClosedCallerEndsItsCalls(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	received := make(chan struct{}, 1)
	serve(t, workerConn(t, server), bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(*bus.Request) { received <- struct{}{} }})
	c := newCaller(t, callerConn(t, server))
	ended := make(chan error)
	go func() {
		_, err := c.Call(context.WithoutCancel(t.Context()), "lock.x", "", nil)
		ended <- err
	}()
	waitFor(t, received)
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := waitFor(t, ended); !errors.Is(err, bus.ErrDisconnected) {
		t.Errorf("error %v", err)
	}
}

func TestAnExchangeGetsAllAnswers(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	worker := workerConn(t, server)
	requests := make(chan *bus.Request, 10)
	serve(t, worker, bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(r *bus.Request) { requests <- r }})
	c := newCaller(t, callerConn(t, server))
	e := c.Open()
	var inbox string
	for range 3 {
		if err := e.Send("lock.x", "application/json", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		r := waitFor(t, requests)
		if inbox != "" && r.Reply != inbox {
			t.Errorf("the inbox changed from %s to %s", inbox, r.Reply)
		}
		inbox = r.Reply
	}
	for _, text := range []string{"one", "two"} {
		if err := bus.Respond(worker, inbox, bus.Response{Body: []byte(text)}); err != nil {
			t.Fatal(err)
		}
		if a := waitFor(t, e.Answers()); string(a.Body) != text || a.Err != nil {
			t.Errorf("answer %+v", a)
		}
	}
	e.Close()
	if err := bus.Respond(worker, inbox, bus.Response{Body: []byte("late")}); err != nil {
		t.Fatal(err)
	}
	echo(t, worker, "echo")
	if _, err := c.Call(t.Context(), "echo", "", nil); err != nil {
		t.Fatal(err)
	}
	if len(e.Answers()) > 0 {
		t.Error("a closed exchange got an answer")
	}
}

func TestAnExchangeWithoutServiceSaysSo(t *testing.T) {
	e := newCaller(t, callerConn(t, startServer(t, t.TempDir(), ""))).Open()
	defer e.Close()
	if err := e.Send("lock.x", "", nil); err != nil {
		t.Fatal(err)
	}
	if a := waitFor(t, e.Answers()); !errors.Is(a.Err, bus.ErrNoService) {
		t.Errorf("answer %+v", a)
	}
}

func TestAnExchangeGoesOnAfterAReconnect(t *testing.T) {
	dir := t.TempDir()
	first, err := embedded.Start(t.Context(), embedded.Config{DataDir: dir, Addr: "127.0.0.1:0"})
	if err != nil {
		t.Fatal(err)
	}
	url := first.ClientURL()
	c := newCaller(t, connect(t, url))
	e := c.Open()
	defer e.Close()
	back := c.Reconnected()
	if err := first.Shutdown(); err != nil {
		t.Fatal(err)
	}
	second := startServer(t, dir, strings.TrimPrefix(url, "nats://"))
	echo(t, workerConn(t, second), "lock.x")
	waitFor(t, back)
	if err := e.Send("lock.x", "", []byte("again")); err != nil {
		t.Fatal(err)
	}
	if a := waitFor(t, e.Answers()); string(a.Body) != "again" {
		t.Errorf("answer %+v", a)
	}
	if a, err := c.Call(t.Context(), "lock.x", "", []byte("call")); err != nil || string(a.Body) != "call" {
		t.Errorf("answer %+v, %v", a, err)
	}
}

func TestAnswersThatNobodyReadsAreDropped(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	worker := workerConn(t, server)
	requests := make(chan *bus.Request, 1)
	serve(t, worker, bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(r *bus.Request) { requests <- r }})
	echo(t, worker, "echo")
	c := newCaller(t, callerConn(t, server))
	e := c.Open()
	defer e.Close()
	if err := e.Send("lock.x", "", nil); err != nil {
		t.Fatal(err)
	}
	r := waitFor(t, requests)
	for range 1000 {
		if err := bus.Respond(worker, r.Reply, bus.Response{}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Call(t.Context(), "echo", "", nil); err != nil {
		t.Errorf("another call: %v", err)
	}
}

func TestConnectToNobodySaysSo(t *testing.T) {
	_, err := bus.Connect(t.Context(), "nats://127.0.0.1:1", bus.ConnectConfig{})
	if err == nil || err.Error() != "connect to nats://127.0.0.1:1: no server answers there" {
		t.Errorf("error %v", err)
	}
	_, err = bus.Connect(t.Context(), "nats://me:secret@127.0.0.1:1, nats://127.0.0.1:2", bus.ConnectConfig{})
	if !errors.Is(err, bus.ErrNoServer) || strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v", err)
	}
	_, err = bus.Connect(t.Context(), "://", bus.ConnectConfig{})
	if err == nil || !strings.HasPrefix(err.Error(), "connect to ://: ") {
		t.Errorf("error %v", err)
	}
	_, err = bus.Connect(t.Context(), "nats://127.0.0.1:1", bus.ConnectConfig{Creds: "/no/such/file"})
	if err == nil || !strings.Contains(err.Error(), "/no/such/file") {
		t.Errorf("error %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := bus.Connect(ctx, "nats://127.0.0.1:1", bus.ConnectConfig{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestConnectUsesTheInboxPrefix(t *testing.T) {
	server := startServer(t, t.TempDir(), "127.0.0.1:0")
	nc, err := bus.Connect(t.Context(), server.ClientURL(), bus.ConnectConfig{InboxPrefix: "_INBOX_me"})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if inbox := nc.NewInbox(); !strings.HasPrefix(inbox, "_INBOX_me.") {
		t.Errorf("the inbox is %s", inbox)
	}
}
