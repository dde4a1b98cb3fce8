package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/natslock/natslock/schema"
)

// patience is how many times Options.Timeout a request is repeated that does
// not wait and whose context has no deadline. It outlasts the election of a new
// leader of the store.
const patience = 3

// repeatWaiting is how often a request that waits is repeated.
const repeatWaiting = 5 * time.Second

// Call makes a request of the protocol as it is and returns the reply, whatever
// its status. It is for gateways and tools: nothing is renewed or released for
// the caller, who may speak for other clients if it is allowed to. What is done
// is that the request is repeated until it is decided, an acquire gets a client
// and a request id if it has none, and an acquire that is given up, or is refused
// after it was sent more than once, is canceled in the background. Errors:
// ErrUnavailable, ErrTimeout, ErrCanceled, ErrClosed, ErrDenied, ErrInvalid.
func (c *Client) Call(ctx context.Context, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	return c.CallIn(ctx, c.options.Realm, v, m)
}

// CallIn is Call in a realm that need not be the Client's. When ctx ends with the
// cause ErrHandedOver, an acquire that is given up is not canceled: it keeps its
// place, or its grant, for whoever repeats it under its request.
func (c *Client) CallIn(ctx context.Context, realm string, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	a, err := c.callIn(ctx, realm, v, m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", v, err)
	}
	return a.Reply, nil
}

// AcquireIn is CallIn with an acquire. If one name was granted, and without being
// repeated, sole is its request, by which a release may have it forgotten: unless the
// caller, or whoever has told him the request, sends it again.
func (c *Client) AcquireIn(ctx context.Context, realm string, m *schema.Acquire) (r *schema.Reply, sole string, err error) {
	own := *m
	a, err := c.acquireIn(ctx, realm, &own)
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", schema.VerbAcquire, err)
	}
	if a.sole() && own.Name != "" {
		sole = own.Request
	}
	return a.Reply, sole, nil
}

func (c *Client) callIn(ctx context.Context, realm string, v schema.Verb, m schema.Message) (answer, error) {
	if acquire, ok := m.(*schema.Acquire); ok && v == schema.VerbAcquire {
		own := *acquire
		return c.acquireIn(ctx, realm, &own)
	}
	if err := c.enterIn(realm); err != nil {
		return answer{}, err
	}
	defer c.leave()
	return c.call(ctx, realm, v, m)
}

// acquireIn makes an acquire, which it completes.
func (c *Client) acquireIn(ctx context.Context, realm string, own *schema.Acquire) (answer, error) {
	if err := c.enterIn(realm); err != nil {
		return answer{}, err
	}
	defer c.leave()
	if own.Client == "" {
		own.Client = c.name
	}
	if own.Request == "" {
		own.Request = c.requestID()
	}
	until := never
	if own.Wait > 0 {
		until = c.now() + time.Duration(own.Wait)*time.Millisecond + c.options.Timeout
	}
	a, err := c.attempt(ctx, realm, own, until, nil)
	leftBehind := pending(a, err) && !errors.Is(context.Cause(ctx), ErrHandedOver)
	if err == nil {
		leftBehind = unsettled(a)
	}
	if leftBehind {
		c.giveUp(realm, own, nil)
	}
	return a, err
}

// enterIn is enter for a call in a realm.
func (c *Client) enterIn(realm string) error {
	if err := checkRealm(realm); err != nil {
		return err
	}
	return c.enter()
}

// GiveUp has an acquire taken back whose reply has come too late for whoever
// wanted it: what it newly holds is released, and if it waits it is canceled. This
// goes on in the background until the service has acknowledged it. The attempt
// must have a client and a request.
func (c *Client) GiveUp(realm string, m *schema.Acquire) {
	own := *m
	c.giveUp(realm, &own, nil)
}

// call makes a request that does not wait.
func (c *Client) call(ctx context.Context, realm string, v schema.Verb, m schema.Message) (answer, error) {
	if err := validate(v, m); err != nil {
		return answer{}, err
	}
	r := c.requestIn(realm, v, m)
	r.until = c.bound(ctx)
	return c.ask(ctx, &r)
}

// attempt makes an acquire. If it waits, it is given up at an instant; and with the
// error errOver when the presence ends that it is for.
func (c *Client) attempt(ctx context.Context, realm string, m *schema.Acquire, until instant, p *presence) (answer, error) {
	if err := validate(schema.VerbAcquire, m); err != nil {
		return answer{}, err
	}
	r := c.requestIn(realm, schema.VerbAcquire, m)
	r.until = c.bound(ctx)
	if m.Wait != 0 {
		r.until, r.waits = until, true
		r.every = min(r.every, repeatWaiting)
	}
	if p != nil {
		r.over = p.over
	}
	return c.ask(ctx, &r)
}

// bound is when a request that does not wait is given up.
func (c *Client) bound(ctx context.Context) instant {
	if _, ok := ctx.Deadline(); ok {
		return never
	}
	return c.now() + patience*c.options.Timeout
}

// request makes a request of a message.
func (c *Client) request(v schema.Verb, m schema.Message) request {
	return c.requestIn(c.options.Realm, v, m)
}

func (c *Client) requestIn(realm string, v schema.Verb, m schema.Message) request {
	client := ""
	if _, sender := about(m); c.named && sender == c.name {
		client = c.name
	}
	return request{
		subject: schema.RequestSubject(realm, v, client),
		message: m,
		every:   c.options.Timeout,
		stop:    c.open.Done(),
	}
}

// validate checks a message before it is sent.
func validate(v schema.Verb, m schema.Message) error {
	if verb, _ := about(m); verb != v || !v.Valid() {
		return invalidf("verb: %q does not take a %T", v, m)
	}
	if err := m.(schema.Request).Validate(); err != nil {
		return invalid(err)
	}
	return nil
}

// about tells which verb a message is for and who sends it.
func about(m schema.Message) (v schema.Verb, client string) {
	switch m := m.(type) {
	case *schema.Acquire:
		return schema.VerbAcquire, m.Client
	case *schema.Release:
		return schema.VerbRelease, m.Client
	case *schema.Renew:
		return schema.VerbRenew, m.Client
	case *schema.Cancel:
		return schema.VerbCancel, m.Client
	case *schema.Inspect:
		return schema.VerbInspect, m.Client
	case *schema.List:
		return schema.VerbList, m.Client
	case *schema.Keepalive:
		return schema.VerbKeepalive, m.Client
	case *schema.Leave:
		return schema.VerbLeave, m.Client
	case *schema.Force:
		return schema.VerbForce, m.Client
	}
	return "", ""
}
