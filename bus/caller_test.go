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
const patience = 2 * time.Minute

// waitFor waits for what comes of c, for as long as patience. It counts seconds that
// it has seen itself: while the process is stopped nothing can happen.
func waitFor[T any](t testing.TB, c <-chan T) T {
	t.Helper()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for seconds := time.Duration(0); ; seconds++ {
		select {
		case v := <-c:
			return v
		case <-tick.C:
			if seconds*time.Second >= patience {
				t.Fatal("it did not happen")
			}
		}
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

// exchange opens an exchange on a service that leaves the answers to the test.
func exchange(t *testing.T) (worker *nats.Conn, c *bus.Caller, e *bus.Exchange, send func() (inbox string)) {
	t.Helper()
	server := startServer(t, t.TempDir(), "")
	worker = workerConn(t, server)
	requests := make(chan *bus.Request, 10)
	serve(t, worker, bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(r *bus.Request) { requests <- r }})
	echo(t, worker, "echo")
	c = newCaller(t, callerConn(t, server))
	e = c.Open()
	t.Cleanup(e.Close)
	return worker, c, e, func() string {
		t.Helper()
		if err := e.Send("lock.x", "application/json", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		return waitFor(t, requests).Reply
	}
}

func respond(t *testing.T, worker *nats.Conn, inbox, text string) {
	t.Helper()
	if err := bus.Respond(worker, inbox, bus.Response{Body: []byte(text)}); err != nil {
		t.Fatal(err)
	}
}

// settled returns when what was published to the caller before has arrived.
func settled(t *testing.T, c *bus.Caller) {
	t.Helper()
	if _, err := c.Call(t.Context(), "echo", "", nil); err != nil {
		t.Fatal(err)
	}
}

func TestAnExchangeRepeatsFromOneInbox(t *testing.T) {
	worker, c, e, send := exchange(t)
	inbox := send()
	for range 2 {
		if again := send(); again != inbox {
			t.Errorf("the inbox changed from %s to %s", inbox, again)
		}
	}
	respond(t, worker, inbox, "one")
	if a := waitFor(t, e.Answers()); string(a.Body) != "one" || a.Err != nil {
		t.Errorf("answer %+v", a)
	}
	inbox = send()
	e.Close()
	respond(t, worker, inbox, "late")
	settled(t, c)
	if len(e.Answers()) > 0 {
		t.Error("a closed exchange got an answer")
	}
}

// Who listens to all inboxes knows each by its first answer.
func TestAnInboxThatOthersMayKnowIsNotBelieved(t *testing.T) {
	worker, c, e, send := exchange(t)
	known := send()
	respond(t, worker, known, "no leader")
	if a := waitFor(t, e.Answers()); string(a.Body) != "no leader" {
		t.Errorf("answer %+v", a)
	}
	respond(t, worker, known, "forged")
	inbox := send()
	respond(t, worker, known, "forged")
	settled(t, c)
	if len(e.Answers()) > 0 || inbox == known {
		t.Errorf("%d answers to an inbox that had one; the next is %s after %s", len(e.Answers()), inbox, known)
	}
	respond(t, worker, inbox, "granted")
	if a := waitFor(t, e.Answers()); string(a.Body) != "granted" {
		t.Errorf("answer %+v", a)
	}
}

func TestNobodyGuessesAnInbox(t *testing.T) {
	server := startServer(t, t.TempDir(), "")
	worker := workerConn(t, server)
	requests := make(chan *bus.Request, 1)
	serve(t, worker, bus.Endpoint{Name: "e", Subject: "lock.x", Handler: func(r *bus.Request) { requests <- r }})
	nc, err := server.CallerConn(nats.CustomInboxPrefix("_INBOX_me"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	one, other := newCaller(t, nc), newCaller(t, nc)
	const draws = 20
	var prefixes []string
	last := map[string]bool{}
	for i := range 2 * draws {
		e := one.Open()
		if i >= draws {
			e = other.Open()
		}
		t.Cleanup(e.Close)
		if err := e.Send("lock.x", "", nil); err != nil {
			t.Fatal(err)
		}
		inbox := strings.Split(waitFor(t, requests).Reply, ".")
		if len(inbox) != 3 || inbox[0] != "_INBOX_me" || len(inbox[1]) < 26 {
			t.Fatalf("the inbox is %q", inbox)
		}
		prefixes = append(prefixes, inbox[1])
		if len(inbox[2]) > 8 { // more than 36^8 = 2^41
			last[inbox[2]] = true
		}
	}
	// What nats.go makes shares its first 12 bytes within a process.
	if a, b := prefixes[0], prefixes[draws]; a[:8] == b[:8] || a != prefixes[draws-1] {
		t.Errorf("the inboxes of two callers are %s and %s", a, b)
	}
	if len(last) != 2*draws {
		t.Errorf("of %d ids %d are large and used once", 2*draws, len(last))
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
