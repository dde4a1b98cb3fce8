package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/fan"
)

func TestMain(m *testing.M) {
	ats.Register()
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// lines are the connections of a gateway to NATS, in the order in which they are made.
type lines struct {
	to nats.InProcessConnProvider

	mu  sync.Mutex
	all []*line
}

// line is one of them.
type line struct {
	net.Conn
	read atomic.Int64 // bytes
}

func (l *line) Read(b []byte) (int, error) {
	n, err := l.Conn.Read(b)
	l.read.Add(int64(n))
	return n, err
}

// InProcessConn makes a connection.
func (l *lines) InProcessConn() (net.Conn, error) {
	c, err := l.to.InProcessConn()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, &line{Conn: c})
	return l.all[len(l.all)-1], nil
}

// list are those that were made.
func (l *lines) list() []*line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*line(nil), l.all...)
}

// watched is a gateway whose connections are known, and a caller past it.
type watched struct {
	*gateway.Gateway
	t     *testing.T
	nc    *nats.Conn
	lines *lines
	locks *client.Client
}

func open(t *testing.T) *watched {
	t.Helper()
	s := clienttest.New(t)
	direct := s.Conn()
	w := &watched{t: t, lines: &lines{to: direct.Opts.InProcessServer}, locks: s.Client(nil)}
	direct.Close()
	w.nc = s.Conn(nats.InProcessServer(w.lines))
	var err error
	if w.Gateway, err = gateway.New(w.nc, gateway.Config{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *watched) watch(realm string) *gateway.Reader {
	w.t.Helper()
	r, err := w.Watch(w.t.Context(), realm)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// happen has so many events happen: a lock is taken and given back, by several at a
// time.
func (w *watched) happen(events int) {
	w.t.Helper()
	var acting sync.WaitGroup
	for i := range 10 {
		acting.Go(func() {
			for range events / 20 {
				l, err := w.locks.TryAcquire(w.t.Context(), fmt.Sprint("lock", i))
				if err == nil {
					err = l.Release(w.t.Context())
				}
				if err != nil {
					w.t.Error(err)
					return
				}
			}
		})
	}
	acting.Wait()
}

// read reads so many events.
func read(r *gateway.Reader, events int) (told []*gateway.Told, err error) {
	into := make([]*gateway.Told, 50)
	for len(told) < events {
		n, more, err := r.Take(into[:min(len(into), events-len(told))])
		if err != nil {
			return told, err
		}
		for _, e := range into[:n] {
			if told = append(told, e); e.Err != nil {
				return told, e.Err
			}
		}
		if n == 0 {
			select {
			case <-more:
			case <-r.Context().Done():
			}
		}
	}
	return told, nil
}

// TestManyReadersAndABurst has thousands of readers of one realm, and more events than
// are kept for those who read nothing; sessions and locks of the gateway live on.
func TestManyReadersAndABurst(t *testing.T) {
	const fast, slow, bursts, burst = 500, 1500, 3, 400
	w := open(t)
	leaf, err := w.OpenLeaf(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	held, err := w.CallIn(t.Context(), "leaf", schema.VerbAcquire, &schema.Acquire{Name: "held", Session: leaf.Session(), Client: w.ID()})
	if err != nil || !held.Status.OK() {
		t.Fatal(held, err)
	}
	subscriptions := w.nc.NumSubscriptions()
	readers, idle := make([]*gateway.Reader, fast), make([]*gateway.Reader, slow)
	for _, list := range [][]*gateway.Reader{readers, idle} {
		for i := range list {
			list[i] = w.watch("default")
			defer list[i].Close()
		}
	}
	var first []*gateway.Told
	for range bursts {
		told := make([][]*gateway.Told, fast)
		var reading sync.WaitGroup
		for i, r := range readers {
			reading.Go(func() {
				var err error
				if told[i], err = read(r, burst); err != nil {
					t.Errorf("a reader that reads was cut off after %d: %v", len(told[i]), err)
				}
			})
		}
		if w.happen(burst); t.Failed() {
			_ = w.Close() // no reader waits for the rest
		}
		if reading.Wait(); t.Failed() {
			return
		}
		for i := range told {
			for j, e := range told[i] {
				if e != told[0][j] { // the same one, encoded once
					t.Fatalf("event %d of reader %d is %s, of another %s", j, i, e.JSON, told[0][j].JSON)
				}
			}
		}
		first = append(first, told[0]...)
	}
	inOrder(t, first)
	for _, r := range idle {
		if _, _, err := r.Take(make([]*gateway.Told, 1)); !errors.Is(err, fan.ErrBehind) {
			t.Errorf("a reader that reads nothing: %v", err)
		}
	}
	if n := w.nc.NumSubscriptions(); n != subscriptions {
		t.Errorf("%d subscriptions on the connection of the sessions, %d before", n, subscriptions)
	}
	all := w.lines.list()
	if size := int64(len(first) * 1000); len(all) != 2 || all[1].read.Load() > size {
		t.Errorf("%d connections; %d bytes of events", len(all), all[1].read.Load())
	}
	w.alive(leaf)
}

// inOrder checks that each lock is granted and released in turns, by growing tokens.
func inOrder(t *testing.T, told []*gateway.Told) {
	t.Helper()
	last := map[string]*gateway.Told{}
	for _, e := range told {
		before := last[e.Name]
		switch {
		case e.Type == schema.EventGranted && (before == nil || before.Type == schema.EventReleased && before.Token < e.Token):
		case e.Type == schema.EventReleased && before != nil && before.Type == schema.EventGranted && before.Token == e.Token:
		default:
			t.Fatalf("%s after %v", e.JSON, before)
		}
		last[e.Name] = e
	}
}

// alive checks that a leaf lives, on the connection that it was opened on, and still
// holds its lock.
func (w *watched) alive(leaf *client.Leaf) {
	w.t.Helper()
	if err := leaf.Context().Err(); err != nil {
		w.t.Error(context.Cause(leaf.Context()))
	}
	reply, err := w.CallIn(w.t.Context(), "leaf", schema.VerbInspect, &schema.Inspect{Name: "held"})
	if err != nil || len(reply.Locks) != 1 || len(reply.Locks[0].Holders) != 1 {
		w.t.Errorf("%+v: %v", reply, err)
	}
	if n := w.nc.Stats().Reconnects; n != 0 {
		w.t.Errorf("the connection was made anew %d times", n)
	}
	if err := leaf.Leave(w.t.Context()); err != nil {
		w.t.Error(err)
	}
}

// TestTheConnectionOfEventsBreaks is what becomes of it that is too slow for them.
func TestTheConnectionOfEventsBreaks(t *testing.T) {
	w := open(t)
	leaf, err := w.OpenLeaf(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.CallIn(t.Context(), "leaf", schema.VerbAcquire, &schema.Acquire{Name: "held", Session: leaf.Session(), Client: w.ID()}); err != nil {
		t.Fatal(err)
	}
	readers := []*gateway.Reader{w.watch("default"), w.watch("default"), w.watch("another")}
	_ = w.lines.list()[1].Close()
	for _, r := range readers {
		if told, err := read(r, 1); !errors.Is(err, client.ErrLagged) {
			t.Errorf("%v: %v", told, err)
		}
	}
	w.watch("yet another").Close() // once this is in force all are again
	w.happen(20)
	for _, r := range readers[:2] {
		if told, err := read(r, 20); err != nil || told[19].Type != schema.EventReleased {
			t.Errorf("%v: %v", told, err)
		}
	}
	for _, r := range readers {
		r.Close()
	}
	w.alive(leaf)
}

func TestOneConnectionOfEvents(t *testing.T) {
	w := open(t)
	w.watch("default").Close()
	before := len(w.lines.list())
	w.watch("default").Close()
	if n := len(w.lines.list()); n != before {
		t.Errorf("%d connections for two that watch one after the other", n-1)
	}
}

func TestNoWatchAfterTheEnd(t *testing.T) {
	w := open(t)
	r := w.watch("default")
	defer r.Close()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := read(r, 1); !errors.Is(err, client.ErrClosed) {
		t.Error(err)
	}
	if _, err := w.Watch(t.Context(), "default"); !errors.Is(err, client.ErrClosed) {
		t.Error(err)
	}
}
