package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// Event tells of one hold or waiter.
type Event = schema.Event

// WatchOptions say which events are watched.
type WatchOptions struct {
	Types  []schema.EventType // Default: all
	Prefix string             // of the locks' names. Default: all
	Realm  string             // Default: the Client's
}

// maxBehind is how many events a watch may be behind before it misses some.
const maxBehind = 4096

// Watch returns the events of a realm from now on, in the order in which they
// arrive, until ctx ends, the Client is closed or the loop over them is left. It
// can be looped over once. Events are told, not stored: when some may have been
// missed, because the connection was lost or the loop is too slow, ErrLagged
// comes in their place, and Inspect or List tell how things stand. After any
// other error there is no more. Errors: ErrDenied, ErrUnavailable, ErrClosed.
func (c *Client) Watch(ctx context.Context, opts *WatchOptions) (iter.Seq2[Event, error], error) {
	w := watch{c: c, realm: c.options.Realm, messages: make(chan *nats.Msg, maxBehind)}
	if opts != nil {
		w.types, w.prefix, w.realm = slices.Clone(opts.Types), opts.Prefix, cmp.Or(opts.Realm, w.realm)
	}
	if err := checkRealm(w.realm); err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	if err := w.begin(ctx); err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	return w.run, nil
}

// watch is one Watch.
type watch struct {
	c        *Client
	types    []schema.EventType
	prefix   string
	realm    string
	ctx      context.Context
	end      context.CancelFunc
	sub      *nats.Subscription
	messages chan *nats.Msg
	rejoined <-chan struct{}
	lost     <-chan struct{}
	dropped  int // messages, as far as it was told
}

// begin subscribes, and returns when that is in force.
func (w *watch) begin(ctx context.Context) error {
	c := w.c
	if err := c.enter(); err != nil {
		return err
	}
	defer c.leave()
	subject := schema.RealmEvents(w.realm)
	if len(w.types) == 1 {
		subject = schema.EventSubject(w.realm, w.types[0])
	}
	w.rejoined, w.lost = c.caller.Reconnected(), c.caller.Disconnected()
	before := c.nc.LastError()
	sub, err := c.nc.ChanSubscribe(subject, w.messages)
	if err != nil {
		return &Error{Status: schema.StatusUnavailable, cause: err}
	}
	w.sub = sub
	w.ctx, w.end = context.WithCancel(ctx)
	detach := context.AfterFunc(c.open, w.end)
	c.work.Add(1)
	context.AfterFunc(w.ctx, func() {
		defer c.work.Done()
		detach()
		w.unsubscribe()
	})
	flushed, cancel := context.WithTimeout(w.ctx, c.options.Timeout)
	defer cancel()
	err = c.nc.FlushWithContext(flushed)
	if last := c.nc.LastError(); last != before && errors.Is(last, nats.ErrPermissionViolation) && strings.Contains(last.Error(), `"`+subject+`"`) {
		w.end()
		return &Error{Status: schema.StatusDenied, cause: last}
	}
	if err != nil {
		w.end()
		return &Error{Status: schema.StatusUnavailable, cause: err}
	}
	return nil
}

func (w *watch) unsubscribe() {
	if err := w.sub.Unsubscribe(); err != nil && !w.c.nc.IsClosed() {
		w.c.options.Logger.Warn("could not end a watch", "subject", w.sub.Subject, "err", err)
	}
}

// run is the loop over the events.
func (w *watch) run(yield func(Event, error) bool) {
	defer w.end()
	for more := true; more; {
		select {
		case <-w.ctx.Done():
			return
		case m := <-w.messages:
			more = w.take(m, yield)
		case <-w.rejoined:
			w.rejoined = w.c.caller.Reconnected()
			more = yield(Event{}, ErrLagged)
		case <-w.lost:
			w.lost = w.c.caller.Disconnected()
			if w.c.caller.Closed() {
				yield(Event{}, &Error{Status: schema.StatusUnavailable, cause: nats.ErrConnectionClosed})
				return
			}
		}
	}
}

// take yields the event of a message, if it is wanted.
func (w *watch) take(m *nats.Msg, yield func(Event, error) bool) bool {
	if dropped, err := w.sub.Dropped(); err == nil && dropped != w.dropped {
		w.dropped = dropped
		if !yield(Event{}, ErrLagged) {
			return false
		}
	}
	var e Event
	if err := schema.Decode(schema.JSON, m.Data, &e); err != nil {
		yield(Event{}, &Error{Status: schema.StatusInternal, Message: "unreadable event", cause: err})
		return false
	}
	if len(w.types) > 0 && !slices.Contains(w.types, e.Type) || !strings.HasPrefix(e.Name, w.prefix) {
		return true
	}
	return yield(e, nil)
}
