//go:build linux

package soak

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// again is when a request is sent again that could not be sent or decided.
const again = 70 * time.Millisecond

// wire is the protocol as any program can speak it that can send a message to
// NATS: nothing of package client is in it.
type wire struct {
	nc    *nats.Conn
	realm string
	inbox string
	every time.Duration // when a request without an answer is sent again

	mu    sync.Mutex
	count uint64
	waits map[string]chan *nats.Msg
}

// answer is what decided a request.
type answer struct {
	schema.Reply
	call, ret time.Duration // when it was first sent, when the reply came
	sends     int
}

// dial connects to an address. The connection lasts as long as the test.
func dial(t *testing.T, addr string, options ...nats.Option) *nats.Conn {
	t.Helper()
	nc, err := bus.Connect(t.Context(), "nats://"+addr, bus.ConnectConfig{Name: t.Name(), Options: options})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func newWire(t *testing.T, nc *nats.Conn, realm string) *wire {
	t.Helper()
	w := &wire{nc: nc, realm: realm, every: 700 * time.Millisecond, inbox: nc.NewInbox() + ".", waits: map[string]chan *nats.Msg{}}
	if _, err := nc.Subscribe(w.inbox+"*", w.receive); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wire) receive(m *nats.Msg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	select {
	case w.waits[m.Subject[len(w.inbox):]] <- m:
	default: // answered already
	}
}

// ask sends a request until it is answered, whatever becomes of the server
// meanwhile. The error is ctx's.
func (w *wire) ask(ctx context.Context, encoding schema.Encoding, v schema.Verb, client string, m schema.Message) (a answer, err error) {
	answers := make(chan *nats.Msg, 8)
	w.mu.Lock()
	w.count++
	id := strconv.FormatUint(w.count, 10)
	w.waits[id] = answers
	w.mu.Unlock()
	defer func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.waits, id)
	}()
	request := nats.Msg{
		Subject: schema.RequestSubject(w.realm, v, client), Reply: w.inbox + id, Data: schema.Append(nil, encoding, m),
		Header: nats.Header{"Content-Type": {encoding.ContentType()}},
	}
	a.call = now()
	for {
		pause := w.every
		if w.nc.IsConnected() && w.nc.PublishMsg(&request) == nil {
			a.sends++
		} else {
			pause = again
		}
		decided, err := w.listen(ctx, answers, pause, &a)
		if decided || err != nil {
			return a, err
		}
	}
}

// listen waits for an answer for a while.
func (w *wire) listen(ctx context.Context, answers <-chan *nats.Msg, d time.Duration, a *answer) (decided bool, err error) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case m := <-answers:
			if m.Header.Get("Status") == "503" { // no worker is there yet
				timer.Reset(again)
				continue
			}
			a.Reply = schema.Reply{}
			if err := schema.Decode(schema.Detect(m.Header.Get("Content-Type"), m.Data), m.Data, &a.Reply); err != nil {
				return false, err
			}
			if a.Status == schema.StatusUnavailable {
				timer.Reset(again)
				continue
			}
			a.ret = now()
			return true, nil
		case <-timer.C:
			return false, nil
		case <-ctx.Done():
			return false, errors.Join(ctx.Err(), context.Cause(ctx))
		}
	}
}

// began is when the time of all histories begins.
var began = time.Now()

// now is the time of histories: monotonic.
func now() time.Duration { return time.Since(began) }

// pause waits, unless ctx ends before.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
