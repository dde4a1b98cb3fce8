package client_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/schema"
)

func TestMain(m *testing.M) {
	if os.Getenv(holderURL) != "" {
		holdInProcess()
		return
	}
	ats.Register() // outside of all bubbles
	goleak.VerifyTestMain(suite{m}, goleak.IgnoreCurrent())
}

// bubble runs f in a bubble, where time passes when nothing else is to be done.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	emptyPools()
	defer emptyPools()
	bubbletest.Run(t, f)
}

// emptyPools keeps timers in pools from going into a bubble or coming out of
// one: a pool gives up what it holds at the second collection.
func emptyPools() {
	runtime.GC()
	runtime.GC()
}

// inBubble runs f with a natslock in a bubble.
func inBubble(t *testing.T, f func(t *testing.T, s *clienttest.Server)) {
	t.Helper()
	bubble(t, func(t *testing.T) { f(t, clienttest.New(t)) })
}

// must returns v if err is nil, and else ends the test.
func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// acquire takes a free lock.
func acquire(t *testing.T, c *client.Client, name string, opts ...client.AcquireOption) *client.Lock {
	t.Helper()
	return must[*client.Lock](t)(c.TryAcquire(t.Context(), name, opts...))
}

// ok fails the test if there is an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantErr fails the test unless err is all of those.
func wantErr(t *testing.T, err error, all ...error) {
	t.Helper()
	for _, want := range all {
		if !errors.Is(err, want) {
			t.Errorf("error %v is no %v", err, want)
		}
	}
}

// ended waits for the end of a context and checks its cause.
func ended(t *testing.T, ctx context.Context, cause error) {
	t.Helper()
	<-ctx.Done()
	if got := context.Cause(ctx); !errors.Is(got, cause) {
		t.Errorf("ended by %v, want %v", got, cause)
	}
}

// state is how a lock stands.
func state(t *testing.T, c *client.Client, name string) client.LockState {
	t.Helper()
	return must[[]client.LockState](t)(c.Inspect(t.Context(), name))[0]
}

func isHeld(t *testing.T, c *client.Client, name string) bool {
	t.Helper()
	return *state(t, c, name).Held
}

// asked is a request that a responder has received.
type asked struct {
	verb    schema.Verb
	request schema.Request
	message *nats.Msg
	conn    *nats.Conn
}

// answer sends a reply to whoever asked.
func (a asked) answer(r *schema.Reply) {
	if err := a.conn.Publish(a.message.Reply, schema.Append(nil, schema.MessagePack, r)); err != nil {
		panic(err)
	}
}

// responder is a NATS server with something that stands in for the worker.
type responder struct {
	t      *testing.T
	nats   *embedded.Server
	worker *nats.Conn
}

// respond hands every request to f, one at a time, instead of to a worker.
func respond(t *testing.T, f func(asked)) *responder {
	t.Helper()
	dir := t.TempDir()
	server := must[*embedded.Server](t)(embedded.Start(t.Context(), embedded.Config{DataDir: dir, Sync: time.Hour}))
	t.Cleanup(func() { ok(t, server.Shutdown()) })
	nc := must[*nats.Conn](t)(server.WorkerConn())
	var answering sync.Mutex
	closed := false
	t.Cleanup(func() { // not while f is at work: it may have answered, and not be done
		answering.Lock()
		defer answering.Unlock()
		closed = true
		nc.Close()
	})
	must[*nats.Subscription](t)(nc.Subscribe(schema.AllRequests, func(m *nats.Msg) {
		answering.Lock()
		defer answering.Unlock()
		if closed {
			return
		}
		address := must[schema.Address](t)(schema.ParseSubject(m.Subject))
		r := schema.NewRequest(address.Verb)
		ok(t, schema.Decode(schema.Detect("", m.Data), m.Data, r))
		f(asked{address.Verb, r, m, nc})
	}))
	ok(t, nc.Flush())
	return &responder{t, server, nc}
}

// wait waits until nothing goes on in the bubble. What was done for requests
// before is seen by the test after it, and the other way round.
func (r *responder) wait() {
	r.t.Helper()
	synctest.Wait()
	seen := make(chan struct{})
	ok(r.t, r.worker.Barrier(func() { close(seen) }))
	<-seen
}

// pass lets time pass: as wait does, before and after.
func (r *responder) pass(d time.Duration) {
	r.t.Helper()
	r.wait()
	time.Sleep(d)
	r.wait()
}

// Conn returns a caller's connection, which ends with the test.
func (r *responder) Conn() *nats.Conn {
	nc := must[*nats.Conn](r.t)(r.nats.CallerConn(nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})))
	r.t.Cleanup(nc.Close)
	return nc
}

// Client returns a Client, which ends with the test. Without options its locks
// have a TTL, so that no presence is asked for.
func (r *responder) Client(opts *client.Options) *client.Client {
	if opts == nil {
		opts = byTTL
	}
	c := must[*client.Client](r.t)(client.New(r.Conn(), opts))
	r.t.Cleanup(func() {
		if err := c.Close(); err != nil {
			r.t.Logf("close: %v", err)
		}
	})
	return c
}

// grant is the reply that grants an acquire.
func grant(a asked, token uint64) *schema.Reply {
	m := a.request.(*schema.Acquire)
	return &schema.Reply{Status: schema.StatusGranted, Name: m.Name, Token: token, Owner: "o", TTL: m.TTL}
}

const second = time.Second

// byTTL are the options of a Client whose locks are held for a TTL.
var byTTL = &client.Options{TTL: 30 * second}
