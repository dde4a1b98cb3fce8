package service_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// caller is a program that uses locks: all it has is a connection to NATS.
type caller struct {
	t        *testing.T
	nc       *nats.Conn
	encoding schema.Encoding
	patience time.Duration // how long a reply may take
}

const realm = "test"

// pending is a request that was sent and whose reply is to come.
type pending struct {
	caller *caller
	sub    *nats.Subscription
}

func ms(n int64) *int64 { return &n }

// verbOf is the verb that a message is for.
func verbOf(m schema.Message) schema.Verb {
	switch m.(type) {
	case *schema.Acquire:
		return schema.VerbAcquire
	case *schema.Release:
		return schema.VerbRelease
	case *schema.Renew:
		return schema.VerbRenew
	case *schema.Cancel:
		return schema.VerbCancel
	case *schema.Inspect:
		return schema.VerbInspect
	case *schema.List:
		return schema.VerbList
	case *schema.Keepalive:
		return schema.VerbKeepalive
	case *schema.Leave:
		return schema.VerbLeave
	default:
		return schema.VerbForce
	}
}

// ask sends m and waits for the reply.
func (c *caller) ask(m schema.Message) *schema.Reply {
	c.t.Helper()
	return c.send(m).reply()
}

// want asks, and fails the test if the reply has another status.
func (c *caller) want(status schema.Status, m schema.Message) *schema.Reply {
	c.t.Helper()
	return c.send(m).want(status)
}

// send sends m on the plain subject, to an inbox of its own.
func (c *caller) send(m schema.Message) *pending {
	c.t.Helper()
	p := c.listen()
	p.send(m)
	return p
}

// listen makes an inbox.
func (c *caller) listen() *pending {
	c.t.Helper()
	sub, err := c.nc.SubscribeSync(c.nc.NewInbox())
	if err != nil {
		c.t.Fatal(err)
	}
	return &pending{caller: c, sub: sub}
}

// send sends m, perhaps once more, to this inbox.
func (p *pending) send(m schema.Message) {
	p.caller.t.Helper()
	p.sendTo(schema.RequestSubject(realm, verbOf(m), ""), m)
}

// sendTo sends m to a subject.
func (p *pending) sendTo(subject string, m schema.Message) {
	p.caller.t.Helper()
	e := p.caller.encoding
	msg := &nats.Msg{Subject: subject, Reply: p.sub.Subject, Data: schema.Append(nil, e, m), Header: nats.Header{}}
	msg.Header.Set("Content-Type", e.ContentType())
	if err := p.caller.nc.PublishMsg(msg); err != nil {
		p.caller.t.Fatal(err)
	}
}

// message waits for the next reply as it came.
func (p *pending) message() *nats.Msg {
	p.caller.t.Helper()
	msg, err := p.sub.NextMsg(p.caller.patience)
	if err != nil {
		p.caller.t.Fatalf("no reply: %v", err)
	}
	return msg
}

// reply waits for the next reply.
func (p *pending) reply() *schema.Reply {
	p.caller.t.Helper()
	return p.caller.decode(p.message())
}

func (c *caller) decode(msg *nats.Msg) *schema.Reply {
	c.t.Helper()
	r := new(schema.Reply)
	if err := schema.Decode(c.encoding, msg.Data, r); err != nil {
		c.t.Fatalf("reply %q: %v", msg.Data, err)
	}
	return r
}

// want waits for the reply, and fails the test if it has another status.
func (p *pending) want(status schema.Status) *schema.Reply {
	p.caller.t.Helper()
	r := p.reply()
	if r.Status != status {
		p.caller.t.Fatalf("status %s (%s), want %s", r.Status, r.Message, status)
	}
	return r
}

// silent fails the test if there is a reply by now, or comes within d.
func (p *pending) silent(d time.Duration) {
	p.caller.t.Helper()
	switch msg, err := p.sub.NextMsg(d); {
	case err == nil:
		p.caller.t.Fatalf("unexpected reply %q", msg.Data)
	case !errors.Is(err, nats.ErrTimeout):
		p.caller.t.Fatal(err)
	}
}

// close stops listening: replies find nobody.
func (p *pending) close() {
	p.caller.t.Helper()
	if err := p.sub.Unsubscribe(); err != nil {
		p.caller.t.Fatal(err)
	}
	if err := p.caller.nc.Flush(); err != nil {
		p.caller.t.Fatal(err)
	}
}

// lock acquires m, which has to be granted, and returns the token.
func (c *caller) lock(m *schema.Acquire) uint64 {
	c.t.Helper()
	return c.want(schema.StatusGranted, m).Token
}

// unlock releases a hold.
func (c *caller) unlock(name string, token uint64) {
	c.t.Helper()
	c.want(schema.StatusReleased, &schema.Release{Name: name, Token: token})
}

// state is a lock as inspect shows it.
func (c *caller) state(name string) schema.LockState {
	c.t.Helper()
	return c.want(schema.StatusOK, &schema.Inspect{Name: name}).Locks[0]
}

// wantHolders fails the test unless these clients hold a lock, in this order.
func (c *caller) wantHolders(name string, clients ...string) {
	c.t.Helper()
	state := c.state(name)
	got := make([]string, 0, len(clients))
	for i := range state.Holders {
		got = append(got, state.Holders[i].Client)
	}
	if !equal(got, clients) {
		c.t.Fatalf("%s is held by %q, want %q", name, got, clients)
	}
}

// wantWaiters fails the test unless these clients wait for a lock, in this order.
func (c *caller) wantWaiters(name string, clients ...string) {
	c.t.Helper()
	state := c.state(name)
	got := make([]string, 0, len(clients))
	for i := range state.Waiters {
		got = append(got, state.Waiters[i].Client)
	}
	if !equal(got, clients) {
		c.t.Fatalf("%q wait for %s, want %q", got, name, clients)
	}
}

func equal(a, b []string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
