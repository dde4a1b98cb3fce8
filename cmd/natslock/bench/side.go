package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// Realm is where the benchmark's locks are.
const Realm = "natslock-bench"

// side is what is measured: the service or the echo.
type side struct {
	name             string
	acquire, release string // subjects
}

var (
	service = side{
		name:    "natslock",
		acquire: schema.RequestSubject(Realm, schema.VerbAcquire, ""),
		release: schema.RequestSubject(Realm, schema.VerbRelease, ""),
	}
	echoes = side{
		name:    "echo",
		acquire: echoSubject + string(schema.VerbAcquire),
		release: echoSubject + string(schema.VerbRelease),
	}
)

// line is a connection that callers share.
type line struct {
	nc     *nats.Conn
	caller *bus.Caller

	mu   sync.Mutex
	sent int // requests; their order is that in which the server gets them
}

func newLine(nc *nats.Conn) (*line, error) {
	caller, err := bus.NewCaller(nc, nil)
	if err != nil {
		return nil, err
	}
	return &line{nc: nc, caller: caller}, nil
}

// dialLine makes a connection, and a line of it.
func dialLine(ctx context.Context, connect func(context.Context) (*nats.Conn, error)) (*line, error) {
	nc, err := connect(ctx)
	if err != nil {
		return nil, err
	}
	l, err := newLine(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return l, nil
}

func (l *line) close() error {
	err := l.caller.Close()
	l.nc.Close()
	return err
}

// call makes a request. number is its place among all of the line.
func (l *line) call(ctx context.Context, subject string, m schema.Message) (reply schema.Reply, number int, err error) {
	body := schema.Append(nil, schema.MessagePack, m)
	x := l.caller.Open()
	defer x.Close()
	l.mu.Lock()
	l.sent++
	number = l.sent
	err = x.Send(subject, "", body)
	l.mu.Unlock()
	if err != nil {
		return reply, number, err
	}
	select {
	case a := <-x.Answers():
		if a.Err != nil {
			return reply, number, a.Err
		}
		err = schema.Decode(schema.Detect(a.ContentType, a.Body), a.Body, &reply)
		return reply, number, err
	case <-ctx.Done():
		return reply, number, context.Cause(ctx)
	}
}

// want makes a request of the service, which must be answered with a status.
func (l *line) want(ctx context.Context, v schema.Verb, m schema.Message, status schema.Status) (schema.Reply, error) {
	reply, _, err := l.call(ctx, schema.RequestSubject(Realm, v, ""), m)
	switch {
	case err != nil:
		return reply, fmt.Errorf("%s: %w", v, err)
	case reply.Status != status:
		return reply, refused(v, &reply)
	}
	return reply, nil
}

// answers tells whether somebody serves a side.
func (l *line) answers(ctx context.Context, s side) (bool, error) {
	reply, _, err := l.call(ctx, s.release, &schema.Release{Name: separateName(0, 0), Client: clientName, Token: 1})
	switch {
	case errors.Is(err, bus.ErrNoService):
		return false, nil
	case err != nil:
		return false, err
	case reply.Status != schema.StatusReleased && reply.Status != schema.StatusNotHeld:
		return false, refused(schema.VerbRelease, &reply)
	}
	return true, nil
}

// refused is the error of a reply that a benchmark should not get.
func refused(v schema.Verb, reply *schema.Reply) error {
	return fmt.Errorf("%s: %s %s", v, reply.Status, reply.Message)
}
