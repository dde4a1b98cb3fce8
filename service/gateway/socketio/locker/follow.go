package locker

import (
	"context"
	"errors"
	"slices"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/fan"
	"github.com/natslock/natslock/service/gateway/socketio/socket"
)

const (
	eventLock  = "lockEvent"
	typeLagged = "lagged"
)

// followed are the events that are told.
var followed = []schema.EventType{
	schema.EventGranted, schema.EventReleased, schema.EventExpired, schema.EventOrphaned, schema.EventForced,
}

// encodeEvent encodes an event for the sockets.
func encodeEvent(o object) (telling, error) { return socket.Encode(namespace, eventLock, o.text()) }

// lagged says that some may have been missed.
func lagged() (telling, error) { return encodeEvent(object{{"type", encode(typeLagged)}}) }

// follower follows a realm for all sockets that watch it: who holds a lock is asked
// once, not by each.
type follower struct {
	*caller // no socket's
	put     func(telling)
	known   map[string]known // the locks that are held
}

// known is a lock as it was seen last.
type known struct {
	record record
	token  uint64
}

// follow is the source of what is told of a realm.
func (s *Server) follow(ctx context.Context, realm string, live func(), put func(telling)) error {
	defer s.recents.watch()()
	f := &follower{caller: &caller{server: s, realm: realm}, put: put, known: map[string]known{}}
	err := f.run(ctx, func() error { live(); return nil })
	for errors.Is(err, fan.ErrBehind) {
		err = f.run(ctx, f.lag)
	}
	return err
}

// run subscribes, looks how things stand, says so by begun, and tells the rest.
func (f *follower) run(ctx context.Context, begun func() error) error {
	reader, err := f.server.gateway.Watch(ctx, f.realm)
	if err != nil {
		return err
	}
	defer reader.Close()
	if err := f.look(ctx); err != nil {
		return err
	}
	if err := begun(); err != nil {
		return err
	}
	return reader.Each(func(e *gateway.Told) error { return f.take(ctx, e) })
}

// lag tells that some may have been missed.
func (f *follower) lag() error {
	e, err := lagged()
	if err == nil {
		f.put(e)
	}
	return err
}

// take tells one event, or looks anew if some may have been missed.
func (f *follower) take(ctx context.Context, e *gateway.Told) error {
	switch {
	case errors.Is(e.Err, client.ErrLagged):
		if err := f.lag(); err != nil {
			return err
		}
		return f.look(ctx)
	case e.Err != nil:
		return e.Err
	case slices.Contains(followed, e.Type):
		return f.tell(ctx, &e.Event)
	}
	return nil
}

// look learns which locks are held.
func (f *follower) look(ctx context.Context) error {
	clear(f.known)
	return f.each(ctx, f.realm, func(r record, token uint64) { f.known[r.id] = known{r, token} })
}

// tell tells one event.
func (f *follower) tell(ctx context.Context, e *client.Event) error {
	if e.Type == schema.EventGranted {
		h, err := f.holder(ctx, e.Name)
		if err != nil {
			return err
		}
		if h != nil {
			f.known[e.Name] = known{recordOf(f.realm, e.Name, h), h.Token}
		}
	}
	r := f.recordOf(e)
	if e.Type != schema.EventGranted && f.known[e.Name].token == e.Token {
		delete(f.known, e.Name)
	}
	told, err := encodeEvent(append(object{{"type", encode(e.Type)}, {fieldID, encode(e.Name)}}, r...))
	if err == nil {
		f.put(told)
	}
	return err
}

// recordOf is the resource and the details of the hold that an event is about: those
// that are known, or were taken here; of another hold only the resource.
func (f *follower) recordOf(e *client.Event) object {
	r := record{id: e.Name, realm: f.realm, client: e.Client, resource: null, sids: []string{}}
	k, ok := f.known[e.Name]
	if ok {
		r.resource = k.record.resource
	}
	if ok && k.token == e.Token {
		r = k.record
	} else if taken, ok := f.server.recents.find(e.Token); ok {
		r = taken
	}
	return object{{fieldResource, r.resource}, {fieldDetails, ownedBy(r.details, r.realm, r.client, encode(r.sids))}}
}
