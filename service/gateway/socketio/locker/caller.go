package locker

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/socketio/socket"
)

const (
	callTimeout  = 10 * time.Second // of one request to the service
	leaveTimeout = time.Second      // then it goes on in the background
)

// caller is a socket and whose it is.
type caller struct {
	server     *Server
	socket     *socket.Socket
	connection *gateway.Connection
	realm      string
	client     string
	queue      chan asked // as many as there may be requests, and the end: the zero asked; nil before the first

	// Of run alone, and of gone after it.
	leaf  *client.Leaf // nil: nothing was locked yet
	last  request      // about a lock, if it was not long
	holds holds
	stint stint

	watching atomic.Bool // its realm
}

// handler answers an event.
type handler func(*caller, context.Context, []json.RawMessage) said

// said is what can be written: an answer, or a table.
type said interface{ text() json.RawMessage }

// handlers are the events that are answered in their order.
var handlers = map[string]handler{
	"lock":        (*caller).lock,
	"unlock":      (*caller).unlock,
	"isLock":      (*caller).isLock,
	"forceUnlock": (*caller).forceUnlock,
	"lockTable":   (*caller).lockTable,
	"watch":       (*caller).watch,
}

// asked is an event that is to be answered.
type asked struct {
	*socket.Event
	handle handler
	end    func()
}

// on has an event handled. Others than these are ignored.
func (c *caller) on(e *socket.Event) {
	handle := handlers[e.Name]
	if handle == nil {
		return
	}
	end := c.connection.Request()
	if end == nil {
		most := c.server.door.Limits().Requests
		_ = e.Answer(failed(argument(e.Args), fmt.Errorf("requests: more than %d at the same time on one connection", most)).text())
		return // and do not wait for who asks so much
	}
	if e.Err != nil {
		handle = refusing(c.server.unfit(e.Err))
	}
	if !c.attend() {
		end()
		return // it has disconnected
	}
	c.queue <- asked{e, handle, end} // there is room: they are counted
}

// attend has somebody answer, from the first event on: a socket that asks nothing needs nobody.
func (c *caller) attend() bool {
	if c.queue != nil {
		return true
	}
	c.queue = make(chan asked, c.server.door.Limits().Requests+1)
	if err := c.socket.Go(c.run); err != nil {
		c.queue = nil
	}
	return c.queue != nil
}

// refusing is the handler of what is not to be acted upon.
func refusing(why error) handler {
	return func(_ *caller, _ context.Context, args []json.RawMessage) said { return failed(argument(args), why) }
}

// run answers what is asked, both ways, until the socket ends. Who has much to read
// yet is answered later: it has asked for all of it.
func (c *caller) run(ctx context.Context) {
	calls, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	defer c.stint.stop()
	defer context.AfterFunc(ctx, func() {
		end(client.ErrHandedOver) // see ask
		c.queue <- asked{}
	})()
	for a := range c.queue {
		if a.Event == nil {
			return
		}
		if ctx.Err() == nil {
			_ = a.AnswerInTurn(ctx, socket.Text(a.handle(c, calls, a.Args).text())) // or it is gone
		}
		a.end()
	}
}

// maxLast is the longest request that is remembered, in bytes; and it has few members, each
// of which takes more than its text.
const maxLast = 4 << 10

// parse reads a request about a lock. Who locks unlocks by the same one, mostly, and to
// name it costs more than to compare it.
func (c *caller) parse(args []json.RawMessage, byID bool) (request, error) {
	if len(args) > 0 && c.last.raw != nil && bytes.Equal(args[0], c.last.raw) {
		return c.last, nil
	}
	r, err := parseRequest(args, byID)
	if err == nil && r.members != nil && len(r.raw) <= maxLast && len(r.members)+len(r.details) <= few {
		c.last = r
	}
	return r, err
}

// gone takes the socket out of what it holds.
func (c *caller) gone(reason socket.Reason) {
	c.connection.Close()
	for len(c.queue) > 0 {
		(<-c.queue).end()
	}
	if c.leaf == nil || reason == socket.ReasonShutdown {
		return // it may come back
	}
	grace := c.server.config.Grace
	if reason == socket.ReasonClient {
		grace = 0
	}
	c.server.leaving.Go(func() {
		if grace > 0 {
			timer := time.NewTimer(grace)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-c.server.stopped.Done():
				return
			}
		}
		c.leave()
	})
}

// leave takes the leaf out of what it holds.
func (c *caller) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := c.leaf.Leave(ctx); err != nil {
		c.server.config.Logger.Debug("socket.io: a socket leaves later", "sid", c.socket.ID(), "err", err)
	}
}

// present has the socket's leaf opened.
func (c *caller) present(ctx context.Context) error {
	if c.leaf != nil {
		if c.leaf.Context().Err() == nil {
			return nil
		}
		c.leave()
	}
	ctx, cancel := context.WithTimeout(ctx, c.server.patience)
	defer cancel()
	leaf, err := c.server.gateway.OpenLeaf(ctx, c.socket.ID())
	if err == nil {
		c.leaf, c.holds = leaf, nil
	}
	return err
}

// ask is call with an acquire. One that is given up is not taken back, because by
// then the hold may be another socket's, too: it ends with the leaf.
func (c *caller) ask(ctx context.Context, m *schema.Acquire) (*schema.Reply, string, error) {
	return c.server.gateway.AcquireIn(c.stint.of(ctx, c.server.patience), c.realm, m)
}

// call asks the service.
func (c *caller) call(ctx context.Context, realm string, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	ctx, end := context.WithTimeout(ctx, c.server.patience)
	defer end()
	return c.server.gateway.CallIn(ctx, realm, v, m)
}

// once is call for a release of what is known to be held: see gateway.Gateway.Once.
func (c *caller) once(ctx context.Context, realm string, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	return c.server.gateway.Once(c.stint.of(ctx, c.server.patience), realm, v, m)
}

// ok asks what is answered ok.
func (c *caller) ok(ctx context.Context, realm string, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	r, err := c.call(ctx, realm, v, m)
	if err == nil && r.Status != schema.StatusOK {
		err = refused(v, r)
	}
	return r, err
}

// refused is the error of a reply that is no answer.
func refused(v schema.Verb, r *schema.Reply) error {
	return fmt.Errorf("%s: %s: %s", v, r.Status, r.Message)
}

// holder returns who holds a lock, or nil.
func (c *caller) holder(ctx context.Context, id string) (*schema.Holder, error) {
	r, err := c.ok(ctx, c.realm, schema.VerbInspect, &schema.Inspect{Name: id})
	if err != nil {
		return nil, err
	}
	return first(r.Locks), nil
}

// first is the first holder of the only lock, or nil.
func first(locks []schema.LockState) *schema.Holder {
	if len(locks) != 1 || len(locks[0].Holders) == 0 {
		return nil
	}
	return &locks[0].Holders[0]
}
