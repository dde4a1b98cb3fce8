package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// Crowd says which sessions a process has.
type Crowd struct {
	Sessions    int           `json:"sessions"`
	Locks       int           `json:"locks"` // of each session
	Connections int           `json:"connections"`
	TTL         time.Duration `json:"ttl"`
	Every       time.Duration `json:"every"`           // from one keepalive of a session to its next
	Grace       time.Duration `json:"grace,omitempty"` // of sessions that have a connection each
	Name        string        `json:"name"`            // what their ids and the names of their locks begin with
}

// own tells whether each session has a connection of its own, and says which.
// Sessions that share connections are missed by their silence.
func (c *Crowd) own() bool { return c.Connections >= c.Sessions }

// order is a line that a crowd's process reads, told the one with which it
// answers.
type (
	order struct {
		Do string `json:"do"`
		Crowd
	}
	told struct {
		Error    string `json:"error,omitempty"`
		Sent     int64  `json:"sent"` // keepalives, or requests to the echo, so far
		Answered int64  `json:"answered"`
	}
)

// What a crowd can be told to do.
const (
	doOpen  = "open"  // open the sessions, take their locks, keep them alive from then on
	doLeave = "leave" // leave the sessions
	doEcho  = "echo"  // send the echo as many requests as there would be keepalives
	doRest  = "rest"  // and no more of them
	doCount = "count" // say how many were sent
)

const crowdCallers = 256 // requests that a crowd has on their way at once

// ServeCrowd is the process of a crowd: it does what it reads, until nothing more
// comes. Its sessions are left as they are then.
func ServeCrowd(ctx context.Context, in io.Reader, out io.Writer, connect func(context.Context) (*nats.Conn, error)) (err error) {
	c := crowd{connect: connect}
	defer func() { err = errors.Join(err, c.close()) }()
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("read an order: %w", err)
		}
		var answer told
		if err := c.obey(ctx, &o); err != nil {
			answer.Error = err.Error()
		}
		if c.pulse != nil {
			answer.Sent, answer.Answered = c.pulse.sent.Load(), c.pulse.answered.Load()
		}
		if err := answers.Encode(&answer); err != nil {
			return fmt.Errorf("answer an order: %w", err)
		}
	}
}

// crowd is the sessions of this process. Each has a client of its own: one client
// may have only so many.
type crowd struct {
	Crowd
	connect func(context.Context) (*nats.Conn, error)
	lines   []*line
	members []member
	pulse   *pulse
}

// member is a session.
type member struct {
	line  *line
	id    string
	epoch uint64
	n     uint64
}

func (c *crowd) obey(ctx context.Context, o *order) error {
	switch o.Do {
	case doOpen, doEcho:
		c.Crowd = o.Crowd
		if err := c.dial(ctx); err != nil {
			return err
		}
		c.members = make([]member, c.Sessions)
		for i := range c.members {
			c.members[i] = member{line: c.lines[i%len(c.lines)], id: fmt.Sprintf("%s-%05d", c.Name, i)}
		}
		if o.Do == doEcho {
			return c.beat(echoes.release)
		}
		return c.open(ctx)
	case doLeave:
		return errors.Join(c.rest(), c.leave(ctx))
	case doRest:
		return c.rest()
	case doCount:
		return nil
	}
	return fmt.Errorf("no such order: %q", o.Do)
}

// dial makes the connections that are missing.
func (c *crowd) dial(ctx context.Context) error {
	have := len(c.lines)
	lines := make([]*line, max(c.Connections-have, 0))
	err := each(ctx, len(lines), func(ctx context.Context, i int) (err error) {
		lines[i], err = dialLine(ctx, c.connect)
		return err
	})
	for _, l := range lines {
		if l != nil {
			c.lines = append(c.lines, l)
		}
	}
	return err
}

func (c *crowd) close() error {
	err := c.rest()
	for _, l := range c.lines {
		err = errors.Join(err, l.close())
	}
	return err
}

// open opens the sessions, and takes their locks while they are kept alive.
func (c *crowd) open(ctx context.Context) error {
	err := each(ctx, len(c.members), func(ctx context.Context, i int) error {
		m := &c.members[i]
		k, err := c.keepalive(m)
		if err != nil {
			return err
		}
		k.Create = true
		reply, err := m.line.want(ctx, schema.VerbKeepalive, k, schema.StatusOK)
		m.epoch = reply.Epoch
		return err
	})
	if err != nil {
		return err
	}
	if err := c.beat(schema.RequestSubject(Realm, schema.VerbKeepalive, "")); err != nil {
		return err
	}
	return each(ctx, len(c.members)*c.Locks, func(ctx context.Context, i int) error {
		m := &c.members[i/c.Locks]
		name := memberLock(m.id, i%c.Locks)
		_, err := m.line.want(ctx, schema.VerbAcquire, &schema.Acquire{
			Name: name, Client: m.id, Owner: m.id, Request: name, Session: m.id,
		}, schema.StatusGranted)
		return err
	})
}

// memberLock names one of a session's locks.
func memberLock(session string, i int) string { return fmt.Sprintf("%s/%02d", session, i) }

// keepalive is a session's next keepalive.
func (c *crowd) keepalive(m *member) (*schema.Keepalive, error) {
	ttl := c.TTL.Milliseconds()
	m.n++
	k := &schema.Keepalive{Session: m.id, Client: m.id, TTL: &ttl, Epoch: m.epoch, N: m.n}
	if !c.own() {
		return k, nil
	}
	cid, err := m.line.nc.GetClientID()
	if err != nil {
		return nil, fmt.Errorf("which connection is this: %w", err)
	}
	grace := c.Grace.Milliseconds()
	k.Server, k.CID, k.Grace = m.line.nc.ConnectedServerId(), &cid, &grace
	return k, nil
}

// leave leaves the sessions.
func (c *crowd) leave(ctx context.Context) error {
	return each(ctx, len(c.members), func(ctx context.Context, i int) error {
		m := &c.members[i]
		_, err := m.line.want(ctx, schema.VerbLeave, &schema.Leave{Session: m.id, Client: m.id}, schema.StatusOK)
		return err
	})
}

// each does something n times, many at once, until the first error.
func each(ctx context.Context, n int, do func(ctx context.Context, i int) error) error {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var workers sync.WaitGroup
	for k := range min(n, crowdCallers) {
		workers.Go(func() {
			for i := k; i < n && ctx.Err() == nil; i += crowdCallers {
				if err := do(ctx, i); err != nil {
					fail(err)
				}
			}
		})
	}
	workers.Wait()
	return context.Cause(ctx)
}
