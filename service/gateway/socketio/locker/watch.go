package locker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

const (
	eventLock  = "lockEvent"
	typeLagged = "lagged"
)

// told are the events that are told.
var told = []schema.EventType{
	schema.EventGranted, schema.EventReleased, schema.EventExpired, schema.EventOrphaned, schema.EventForced,
}

// watch has the socket told what happens to the locks of its realm from now on.
func (c *caller) watch(ctx context.Context, args []json.RawMessage) said {
	done := answer{Result: resultOK, Status: statusWatch, Data: object{{fieldRealm, encode(c.realm)}}.text()}
	if !c.watching.CompareAndSwap(false, true) {
		return done
	}
	if err := c.begin(ctx); err != nil {
		c.watching.Store(false)
		return failed(argument(args), err)
	}
	return done
}

// begin subscribes, looks how things stand, and tells the rest in the background.
func (c *caller) begin(ctx context.Context) error {
	end := c.connection.Wait()
	if end == nil {
		return fmt.Errorf("waiters: more than %d on one connection", c.server.door.Limits().Waiters)
	}
	ctx, cancel := context.WithCancel(ctx)
	finish := func() {
		cancel()
		end()
	}
	events, err := c.server.gateway.Watch(ctx, &client.WatchOptions{Realm: c.realm, Types: told})
	if err == nil {
		w := &watcher{caller: c, known: map[string]known{}}
		if err = w.look(ctx); err == nil {
			err = c.socket.Go(func(ctx context.Context) {
				defer c.watching.Store(false)
				defer finish()
				w.run(ctx, events)
			})
		}
	}
	if err != nil {
		finish()
	}
	return err
}

// watcher tells one socket what happens.
type watcher struct {
	*caller
	known map[string]known // the locks that are held
}

// known is a lock as it was seen last.
type known struct {
	record record
	token  uint64
}

// look learns which locks are held.
func (w *watcher) look(ctx context.Context) error {
	clear(w.known)
	return w.each(ctx, w.realm, func(r record, token uint64) { w.known[r.id] = known{r, token} })
}

// run tells what happens, until the socket ends or no more can be told.
func (w *watcher) run(ctx context.Context, events iter.Seq2[client.Event, error]) {
	for e, err := range events {
		if err == nil {
			err = w.tell(ctx, &e)
		} else if errors.Is(err, client.ErrLagged) {
			_ = w.socket.Emit(eventLock, object{{"type", encode(typeLagged)}}.text())
			err = w.look(ctx)
		}
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			_ = w.socket.Emit("watch", failed(null, fmt.Errorf("no more is told: %w", err)).text())
			return
		}
	}
}

// tell tells one event.
func (w *watcher) tell(ctx context.Context, e *client.Event) error {
	if e.Type == schema.EventGranted {
		h, err := w.holder(ctx, e.Name)
		if err != nil {
			return err
		}
		if h != nil {
			w.known[e.Name] = known{recordOf(w.realm, e.Name, h), h.Token}
		}
	}
	r := w.recordOf(e)
	if e.Type != schema.EventGranted && w.known[e.Name].token == e.Token {
		delete(w.known, e.Name)
	}
	return w.socket.Emit(eventLock, append(object{{"type", encode(e.Type)}, {fieldID, encode(e.Name)}}, r...).text())
}

// recordOf is the resource and the details of the hold that an event is about: those
// that are known, of another hold only the resource.
func (w *watcher) recordOf(e *client.Event) object {
	r := record{id: e.Name, realm: w.realm, client: e.Client, resource: null, sids: []string{}}
	if k, ok := w.known[e.Name]; ok {
		if r.resource = k.record.resource; k.token == e.Token {
			r = k.record
		}
	}
	return object{{fieldResource, r.resource}, {fieldDetails, ownedBy(r.details, r.realm, r.client, encode(r.sids))}}
}
