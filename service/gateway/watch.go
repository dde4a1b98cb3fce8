package gateway

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway/fan"
)

// MaxBehind is how many events a reader may be behind before it is cut off.
const MaxBehind = 1000

// Told is what a reader of a realm is told: an event; or that some may have been
// missed, which is client.ErrLagged.
type Told struct {
	schema.Event
	JSON []byte // the event, encoded once for all readers
	Err  error
}

// Reader reads what is told of a realm.
type Reader = fan.Reader[*Told]

// Watch returns a reader of what happens in a realm from now on, all of which it is
// told in order, until ctx ends or it is cut off. All readers of a realm share one
// subscription, and those of all realms a connection to NATS of their own: events that
// come too fast for it cost readers some of them, and nobody a session. The reader must be
// closed. Errors: those of client.Watch, and of that connection.
func (g *Gateway) Watch(ctx context.Context, realm string) (*Reader, error) {
	r, err := g.watches.Join(ctx, realm)
	if err != nil {
		return nil, fmt.Errorf("watch: %w", err)
	}
	return r, nil
}

// watchers are what events come over: a client on a connection made like another one,
// at first use, and again when it was closed.
type watchers struct {
	like nats.Options

	mu     sync.Mutex
	nc     *nats.Conn
	client *client.Client
}

// source tells what happens in a realm.
func (w *watchers) source(ctx context.Context, realm string, live func(), put func(*Told)) error {
	c, err := w.open()
	if err != nil {
		return err
	}
	events, err := c.Watch(ctx, &client.WatchOptions{Realm: realm})
	if err != nil {
		return err
	}
	live()
	for e, err := range events {
		switch {
		case errors.Is(err, client.ErrLagged):
			put(&Told{Err: err})
		case err != nil:
			return err
		case e.Type.Valid(): // or it is not from a worker
			put(&Told{Event: e, JSON: schema.Append(nil, schema.JSON, &e)})
		}
	}
	return client.ErrClosed
}

// open returns the client, and makes it if there is none.
func (w *watchers) open() (*client.Client, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.client != nil && !w.nc.IsClosed() {
		return w.client, nil
	}
	if err := w.closeLocked(); err != nil {
		return nil, err
	}
	options := w.like
	options.Name = strings.TrimSpace(options.Name + " events")
	nc, err := options.Connect()
	if err != nil {
		return nil, &client.Error{Status: schema.StatusUnavailable, Message: "no connection for events: " + err.Error()}
	}
	c, err := client.New(nc, nil)
	if err != nil {
		nc.Close()
		return nil, err
	}
	w.nc, w.client = nc, c
	return c, nil
}

// close closes the connection, when nothing comes over it any more.
func (w *watchers) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.closeLocked()
}

func (w *watchers) closeLocked() error {
	if w.client == nil {
		return nil
	}
	err := w.client.Close()
	w.nc.Close()
	w.nc, w.client = nil, nil
	return err
}
