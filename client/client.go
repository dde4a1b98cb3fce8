package client

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// Client takes locks on a NATS connection, and looks after them. All its
// methods may be called concurrently.
type Client struct {
	nc      *nats.Conn
	caller  *bus.Caller
	forces  *nats.Subscription // to the events of holds that are ended by force
	options Options
	name    string // the client of the protocol
	named   bool   // by the subject
	grace   time.Duration
	began   time.Time

	nonce string        // begins every request's id
	count atomic.Uint64 // ends it

	open    context.Context // ends when Close begins: callers are let go
	shut    context.CancelFunc
	stopped chan struct{}  // closed when Close is done: the background ends
	work    sync.WaitGroup // goroutines
	drained chan struct{}  // something that Close waits for has ended

	once   sync.Once
	result error // of Close

	closed atomic.Bool
	calls  atomic.Int64 // by callers, on their way

	mu       sync.Mutex
	errands  int              // in the background, not done yet
	skipped  int              // errands that were too many
	locks    map[string]*Lock // that are held, by name
	presence *presence        // by which they are held; nil: none is open or being opened
	settled  chan struct{}    // closed when parties are settled
	keeper   keeper

	standings map[party]*standing
}

// New makes a Client on a connection, which stays the caller's: it is not closed
// with the Client, and its handlers are left alone. Use bus.Connect, or nats.Connect
// with a small PingInterval and ReconnectWait, nats.MaxReconnects(-1) and
// nats.ReconnectBufSize(-1). opts may be nil. Errors: ErrInvalid names the
// option that is wrong; those of the subscription to an inbox.
func New(nc *nats.Conn, opts *Options) (*Client, error) {
	options, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("client options: %w", err)
	}
	caller, err := bus.NewCaller(nc, options.Local)
	if err != nil {
		return nil, fmt.Errorf("new client: %w", err)
	}
	c := newClient(nc, caller, options)
	if err := c.listen(); err != nil {
		return nil, errors.Join(fmt.Errorf("new client: %w", err), caller.Close())
	}
	c.work.Go(c.keep)
	return c, nil
}

// newClient makes a Client whose background does not run yet.
func newClient(nc *nats.Conn, caller *bus.Caller, options Options) *Client {
	c := &Client{
		nc:      nc,
		caller:  caller,
		options: options,
		name:    cmp.Or(options.ID, options.Label, freshID()),
		named:   options.ID != "",
		grace:   options.graceOn(nc),
		began:   time.Now(),
		nonce:   rand.Text() + "-",
		stopped: make(chan struct{}),
		drained: make(chan struct{}, 1),
		locks:   map[string]*Lock{},
		settled: make(chan struct{}),
		keeper:  keeper{armed: never, wake: make(chan struct{}, 1)},

		standings: map[party]*standing{},
	}
	c.open, c.shut = context.WithCancel(context.Background())
	return c
}

// ID returns the client's name, as holders and events show it.
func (c *Client) ID() string { return c.name }

// Realm returns the namespace of the Client's locks.
func (c *Client) Realm() string { return c.options.Realm }

// now is the time on the Client's clock.
func (c *Client) now() instant { return time.Since(c.began) }

// requestID makes the id of a new request.
func (c *Client) requestID() string {
	return c.nonce + strconv.FormatUint(c.count.Add(1), 36)
}

// enter begins a call by a caller, unless the Client is closed. Every success
// is followed by one leave.
func (c *Client) enter() error {
	c.calls.Add(1) // before it looks, so that Close waits for whoever goes on
	if c.closed.Load() {
		c.leave()
		return ErrClosed
	}
	return nil
}

func (c *Client) leave() {
	c.calls.Add(-1)
	c.note()
}

// note tells Close that something has ended.
func (c *Client) note() {
	if !c.closed.Load() {
		return
	}
	select {
	case c.drained <- struct{}{}:
	default:
	}
}

// Close ends the Client: calls that wait return ErrClosed, every Lock that is
// held ends with that cause and is released (but for those with NoRenew), all
// that are held by the session with one request, and what was given up is canceled.
// It waits until the service has acknowledged all that, for at most
// Options.Timeout; what is left then ends by its TTL or the session's, and the
// error is ErrUnavailable.
func (c *Client) Close() error {
	c.once.Do(func() { c.result = c.close() })
	return c.result
}

func (c *Client) close() (err error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.options.Timeout)
	defer cancel()
	c.mu.Lock()
	c.closed.Store(true)
	c.shut()
	c.mu.Unlock()
	c.await(ctx, func() bool { return c.calls.Load() == 0 })

	c.mu.Lock()
	c.departLocked()
	c.releaseAllLocked()
	c.mu.Unlock()
	c.await(ctx, func() bool { return c.errands == 0 })

	c.mu.Lock()
	if n := c.errands; n > 0 {
		err = &Error{Status: schema.StatusUnavailable, Message: fmt.Sprintf("%d releases, cancels or leaves not acknowledged", n)}
	}
	c.keeper.ready = nil
	close(c.stopped)
	c.mu.Unlock()
	c.work.Wait()
	return errors.Join(err, c.unlisten(), c.caller.Close())
}

// await waits until done, which is called with the mutex held, or until ctx ends.
func (c *Client) await(ctx context.Context, done func() bool) {
	for {
		c.mu.Lock()
		ok := done()
		c.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-c.drained:
		case <-ctx.Done():
			return
		}
	}
}
