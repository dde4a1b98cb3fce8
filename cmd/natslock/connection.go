package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/user"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// credentials are how to be let in by a NATS server. A user and password, or a
// token, are part of its URL.
type credentials struct {
	Creds   string `name:"nats-creds" group:"connection" complete:"file" placeholder:"FILE" help:"NATS credentials file (JWT and seed)."`
	NKey    string `name:"nats-nkey" group:"connection" complete:"file" placeholder:"FILE" help:"NATS NKey seed file."`
	TLSCA   string `name:"nats-tls-ca" group:"connection" complete:"file" placeholder:"FILE" help:"CA certificates to trust, PEM."`
	TLSCert string `name:"nats-tls-cert" group:"connection" complete:"file" placeholder:"FILE" help:"Client certificate, PEM."`
	TLSKey  string `name:"nats-tls-key" group:"connection" complete:"file" placeholder:"FILE" help:"Key of the client certificate, PEM."`
}

// connect connects with the credentials. What happens to the connection later
// goes to the log, which may be nil.
func (c *credentials) connect(ctx context.Context, server, name string, log *slog.Logger, options ...nats.Option) (*nats.Conn, error) {
	cfg := bus.ConnectConfig{Name: name, Creds: c.Creds, Logger: log, Options: options}
	if c.NKey != "" {
		option, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", c.NKey, err)
		}
		cfg.Options = append(cfg.Options, option)
	}
	if c.TLSCA != "" {
		cfg.Options = append(cfg.Options, nats.RootCAs(c.TLSCA))
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return nil, usagef("--nats-tls-cert and --nats-tls-key: one needs the other")
	}
	if c.TLSCert != "" {
		cfg.Options = append(cfg.Options, nats.ClientCert(c.TLSCert, c.TLSKey))
	}
	nc, err := bus.Connect(ctx, server, cfg)
	if err != nil {
		return nil, connectError(server, err)
	}
	return nc, nil
}

// connectError says what can be done about a failed connection, and keeps
// passwords and tokens to itself.
func connectError(server string, err error) error {
	cause := err
	if inner := errors.Unwrap(err); inner != nil {
		cause = inner
	}
	if errors.Is(err, nats.ErrAuthorization) {
		cause = fmt.Errorf("%w: give --nats-creds, --nats-nkey or nats://user:password@host", nats.ErrAuthorization)
	}
	return fmt.Errorf("connect to %s: %w", bus.Redact(server), cause)
}

// caller is what all callers' commands have in common.
type caller struct {
	Server  string         `group:"connection" default:"nats://127.0.0.1:4222" placeholder:"URL" help:"NATS server, or several separated by commas. Default: nats://127.0.0.1:4222."`
	Realm   string         `group:"connection" default:"default" placeholder:"NAME" help:"Namespace of the locks. Default: default."`
	Client  string         `group:"connection" placeholder:"ID" help:"Call as this client, on the subjects that name it. Default: user@host, not named by the subject."`
	Timeout *time.Duration `group:"connection" placeholder:"D" help:"How long to try to connect, and then to get an answer. Default: connect at once or not at all, and 15s for the answer."`
	JSON    bool           `name:"json" help:"Print the protocol's replies as JSON, and failures as such a reply."`

	credentials
}

// common is what is common.
func (c *caller) common() *caller { return c }

const (
	defaultTimeout = 15 * time.Second
	dialPause      = 100 * time.Millisecond // between tries to connect
)

// session is a caller's connection.
type session struct {
	*client.Client
	nc      *nats.Conn
	timeout time.Duration
	stop    context.CancelFunc // of one that a signal ends, or nil
}

// open connects for what the first signal to end gives up: the context is for it.
func (c *caller) open(ctx context.Context) (context.Context, *session, error) {
	ctx, stop := interruptible(ctx)
	s, err := c.dial(ctx)
	if err != nil {
		stop()
		return nil, nil, err
	}
	s.stop = stop
	return ctx, s, nil
}

// dial connects. It is a failure of status 3 when nobody is there.
func (c *caller) dial(ctx context.Context) (*session, error) {
	timeout := defaultTimeout
	if c.Timeout != nil {
		timeout = *c.Timeout
	}
	switch {
	case timeout <= 0:
		return nil, usagef("--timeout: must be more than 0")
	case c.Realm == "":
		return nil, usagef("--realm: must not be empty")
	case len(c.Realm) > schema.MaxRealm:
		return nil, usagef("--realm: %d bytes, at most %d", len(c.Realm), schema.MaxRealm)
	case len(c.Client) > schema.MaxClient:
		return nil, usagef("--client: %d bytes, at most %d", len(c.Client), schema.MaxClient)
	}
	nc, err := c.reach(ctx, timeout)
	if err != nil && ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return nil, err
	case err != nil:
		return nil, &failure{status: exitUnavailable, err: err}
	}
	locks, err := client.New(nc, &client.Options{Realm: c.Realm, ID: c.Client, Label: c.label(), Timeout: min(timeout, 5*time.Second)})
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &session{Client: locks, nc: nc, timeout: timeout}, nil
}

// reach connects: at once, or if it was said how long to try, within that time.
func (c *caller) reach(ctx context.Context, timeout time.Duration) (*nats.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	for last := error(nil); ; {
		nc, err := c.connect(ctx, c.Server, "natslock "+c.label(), nil)
		if err == nil || !unreached(err) {
			return nc, err
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		if c.Timeout == nil {
			return nil, fmt.Errorf(`%w: is "natslock serve" running?`, err)
		}
		select {
		case <-time.After(dialPause):
		case <-ctx.Done():
			return nil, fmt.Errorf(`%w: tried for %s: is "natslock serve" running?`, last, timeout)
		}
	}
}

// unreached tells whether no server was there, or one that was not up yet.
func unreached(err error) bool {
	var op *net.OpError
	return errors.Is(err, bus.ErrNoServer) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) || errors.As(err, &op) && op.Op == "dial"
}

// call makes a request that does not wait, or that bounds its waiting itself.
func (s *session) call(ctx context.Context, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	if acquire, ok := m.(*schema.Acquire); !ok || acquire.Wait == 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.timeout)
		defer cancel()
	}
	reply, err := s.Call(ctx, v, m)
	if errors.Is(err, client.ErrUnavailable) {
		err = fmt.Errorf(`no answer within %s: is "natslock serve" running on this NATS? (%w)`, s.timeout, err)
	}
	return reply, err
}

// close ends the session, after it has canceled what was given up. Where that
// fails nobody answers, which the command's own error says already.
func (s *session) close() {
	_ = s.Client.Close()
	s.nc.Close()
	if s.stop != nil {
		s.stop()
	}
}

// label is who calls.
func (c *caller) label() string {
	if c.Client != "" {
		return c.Client
	}
	name := strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	label := name + "@" + host
	return strings.ToValidUTF8(label[:min(len(label), schema.MaxClient)], "")
}
