package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mrand "math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// The errors of calls, besides ErrDenied and those of the context.
var (
	ErrNoService    = errors.New("no service listens")
	ErrDisconnected = errors.New("the connection is lost")
)

// Answer is what came back for a request.
type Answer struct {
	ContentType string
	Body        []byte
	Code        string // of a service error; "" if it is none
	Message     string // of a service error
	Given       any    // instead of all that: the answer as the service in this process has it (see Local)
	Err         error  // instead of all that: ErrNoService, ErrDenied or ErrNotYet
}

// Caller sends requests and receives their answers at an inbox of its own, each at
// a subject that nobody guesses: whoever knows it could answer too. It leaves the
// connection's handlers alone, and the connection open. Its methods may be called
// concurrently.
type Caller struct {
	nc     *nats.Conn
	local  *Local
	inbox  string // all before the id
	sub    *nats.Subscription
	status chan nats.Status
	done   sync.WaitGroup
	close  sync.Once
	err    error

	handovers handovers

	now atomic.Int32 // the nats.Status of the connection, as far as it has been heard of

	mu     sync.Mutex
	waits  map[uint64]answerable // by the last token of the inbox
	draw   *mrand.ChaCha8        // of those tokens; a generator that nobody can guess from what it gave
	joined chan struct{}         // closed at the next reconnect
	lost   chan struct{}         // closed at the next loss of the connection
}

// NewCaller makes a Caller on the connection, and joins it to what is in this process,
// if local is not nil. Close it before the connection.
func NewCaller(nc *nats.Conn, local *Local) (*Caller, error) {
	c := &Caller{
		nc:     nc,
		local:  local,
		inbox:  newInbox(nc) + ".",
		waits:  map[uint64]answerable{},
		draw:   mrand.NewChaCha8(seed()),
		joined: make(chan struct{}),
		lost:   make(chan struct{}),
	}
	sub, err := nc.Subscribe(c.inbox+"*", c.receive)
	if err != nil {
		return nil, fmt.Errorf("subscribe to the inbox: %w", err)
	}
	c.sub = sub
	c.status = nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
	c.now.Store(int32(nc.Status()))
	c.done.Go(c.follow)
	local.join(c)
	return c, nil
}

// newInbox is an inbox under the connection's prefix that nobody guesses. Those
// that the connection makes itself are one for all and then count on from it.
func newInbox(nc *nats.Conn) string {
	inbox := nc.NewInbox()
	return inbox[:strings.LastIndexByte(inbox, '.')+1] + rand.Text()
}

// seed is a random one.
func seed() (s [32]byte) {
	_, _ = rand.Read(s[:]) // never fails
	return s
}

// Close ends the Caller. Calls that wait end with ErrDisconnected.
func (c *Caller) Close() error {
	c.close.Do(func() {
		c.local.part(c)
		c.handovers.close()
		c.nc.RemoveStatusListener(c.status)
		c.done.Wait()
		if err := c.sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			c.err = fmt.Errorf("unsubscribe from the inbox: %w", err)
		}
	})
	return c.err
}

// follow tells of connections made and lost.
func (c *Caller) follow() {
	for s := range c.status {
		if s == nats.CLOSED {
			c.local.part(c) // as the server sees it
		}
		c.now.Store(int32(s)) // before those who are told of it look
		c.mu.Lock()
		if s == nats.CONNECTED {
			close(c.joined)
			c.joined = make(chan struct{})
		} else {
			close(c.lost)
			c.lost = make(chan struct{})
		}
		c.mu.Unlock()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	close(c.lost) // for good
}

// Reconnected returns a channel that is closed when the connection is next made
// anew: the time to repeat a request that waits.
func (c *Caller) Reconnected() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.joined
}

// Disconnected returns a channel that is closed when the connection is next lost.
func (c *Caller) Disconnected() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

// Connected reports whether there is a connection, and Closed whether there will be
// none any more. Unlike those of the connection, which lets nobody look while it
// dials, they never wait.
func (c *Caller) Connected() bool {
	now := nats.Status(c.now.Load())
	return now != nats.RECONNECTING && now != nats.DISCONNECTED && now != nats.CLOSED
}

// Closed reports whether the connection is closed for good.
func (c *Caller) Closed() bool {
	return nats.Status(c.now.Load()) == nats.CLOSED
}

// Call sends a request and waits for its answer until ctx ends. Errors: those
// of ctx as they are; ErrNoService, when nobody listens to the subject;
// ErrDenied, when the server reported so, and otherwise a denied request ends
// with ctx; ErrDisconnected, when there is no connection or it was lost, so that
// the answer may be lost too; ErrTooLarge.
func (c *Caller) Call(ctx context.Context, subject, contentType string, body []byte) (*Answer, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	lost := c.Disconnected()
	if !c.Connected() {
		return nil, ErrDisconnected
	}
	answers := make(chan *Answer, 1)
	id := c.wait(receiver(func(a *Answer) {
		select {
		case answers <- a:
		default:
		}
	}))
	defer c.forget(id)
	denied := watchDenied(c.nc, subject, c.inbox)
	if err := c.publish(subject, id, contentType, body); err != nil {
		return nil, err
	}
	look := time.NewTimer(deniedAfter)
	defer look.Stop()
	for {
		select {
		case a := <-answers:
			if a.Err != nil {
				return nil, a.Err
			}
			return a, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-lost:
			return nil, ErrDisconnected
		case <-look.C:
			if err := denied(); err != nil {
				return nil, err
			}
		}
	}
}

// answerable is who waits for an answer.
type answerable interface {
	receive(id uint64, a *Answer)
}

// receiver is one that is told of answers to one id.
type receiver func(*Answer)

func (r receiver) receive(_ uint64, a *Answer) { r(a) }

// wait takes note of who gets the answers to an id, which it draws.
func (c *Caller) wait(who answerable) (id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		if id = c.draw.Uint64(); c.waits[id] == nil {
			c.waits[id] = who
			return id
		}
	}
}

func (c *Caller) forget(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waits, id)
}

// publish sends one request. It sends none while there is no connection, even
// if the connection would keep it back for later.
func (c *Caller) publish(subject string, id uint64, contentType string, body []byte) error {
	if !c.Connected() || !c.nc.IsConnected() {
		return ErrDisconnected
	}
	m := nats.Msg{Subject: subject, Reply: c.reply(id), Data: body}
	if contentType != "" {
		m.Header = nats.Header{headerContentType: {contentType}}
	}
	err := c.nc.PublishMsg(&m)
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.Is(err, nats.ErrBadSubject):
		return fmt.Errorf("request to %.80q: %w", subject, err)
	}
	return fmt.Errorf("%w: %w", ErrDisconnected, err)
}

// receive takes an answer that came over the connection.
func (c *Caller) receive(m *nats.Msg) {
	a := Answer{Err: ErrNoService}
	if !isUnheard(m) {
		a = Answer{
			ContentType: m.Header.Get(headerContentType),
			Body:        m.Data,
			Code:        m.Header.Get(headerErrorCode),
			Message:     m.Header.Get(headerError),
		}
	}
	c.answer(m.Subject[len(c.inbox):], &a)
}

// answer hands an answer to who waits for it under the last token of the inbox.
func (c *Caller) answer(token string, a *Answer) {
	id, err := strconv.ParseUint(token, 36, 64)
	if err != nil {
		return // nobody who was asked answers there
	}
	c.mu.Lock()
	who := c.waits[id]
	if a.Err == nil {
		delete(c.waits, id) // an inbox has one answer
	}
	c.mu.Unlock()
	if who == nil {
		return // given up
	}
	who.receive(id, a)
}

// reply is where the answers to an id come.
func (c *Caller) reply(id uint64) string {
	var room [128]byte
	return string(strconv.AppendUint(append(room[:0], c.inbox...), id, 36))
}
