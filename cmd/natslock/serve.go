package main

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/alecthomas/kong"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// serveCmd is the command serve.
type serveCmd struct {
	Data           string        `default:"./natslock-data" complete:"file" placeholder:"DIR" help:"Where locks are stored. Default: ./natslock-data."`
	NATS           listenAddr    `name:"nats" default:"127.0.0.1:4222" placeholder:"ADDR" help:"Where the embedded NATS server listens; port 0 takes a free one. Default: 127.0.0.1:4222."`
	NATSMaxSubs    int           `name:"nats-max-subscriptions" default:"10000" placeholder:"N" help:"How much each connection to the embedded NATS server may listen to, at least 100. Those who watch over HTTP share one. Default: 10000."`
	NATSURL        string        `name:"nats-url" placeholder:"URL" help:"Use this NATS, which needs JetStream, instead of the embedded server. --data, --nats, --nats-max-subscriptions and --sync have no meaning then."`
	NoWorker       bool          `name:"no-worker" help:"Doors alone, to the workers that are on --nats-url. What is said of the store and of locks has no meaning then."`
	Sync           syncMode      `default:"always" placeholder:"always|D" help:"When what is acknowledged is on disk: always, or within a time such as 1s, which a crash of the machine can lose. Default: always."`
	MaxStore       byteSize      `name:"max-store" default:"1GiB" placeholder:"SIZE" help:"How much the records of locks may take, such as 512MiB; 0 is as much as there is room for. Nothing new is locked beyond it. Default: 1GiB."`
	Replicas       int           `default:"1" placeholder:"N" help:"Copies of the store, 1, 3 or 5, when it is created. Default: 1."`
	DefaultTTL     time.Duration `name:"default-ttl" default:"30s" placeholder:"D" help:"How long a hold lives that was asked for without a TTL. Default: 30s."`
	SessionTTL     time.Duration `name:"session-ttl" default:"10s" placeholder:"D" help:"How long a session lives without a keepalive that was opened without a TTL. Default: 10s."`
	ReconnectGrace time.Duration `name:"reconnect-grace" default:"2s" placeholder:"D" help:"How long a session may be without its connection, unless it says so itself; 0 is not at all. Default: 2s."`
	Metrics        listenAddr    `name:"metrics" placeholder:"ADDR" help:"Where metrics are served over HTTP, at /metrics, for Prometheus. Default: nowhere."`
	SystemCreds    string        `name:"nats-system-creds" complete:"file" placeholder:"FILE" help:"Credentials file for the system account of --nats-url, to see at once when a client's connection is closed."`
	LogLevel       logLevel      `name:"log-level" values:"debug,info,warn,error" default:"info" placeholder:"LEVEL" help:"debug, info, warn or error. Default: info."`
	LogFormat      string        `name:"log-format" enum:"text,json" default:"text" placeholder:"FORMAT" help:"text or json. Default: text."`
	Echo           bool          `hidden:"" help:"Also answer the benchmark's echo requests."`

	doorFlags
	lockdFlags
	socketioFlags
	ldlmFlags
	credentials
}

// minSubscriptions is what the worker's own connections need, and a little.
const minSubscriptions = 100

// Help has the examples.
func (*serveCmd) Help() string {
	return `When everything answers, standard error has the line "natslock: ready", after what was logged until then; a start that fails has one line, which says why. With --log-level debug all is logged as it happens. SIGINT and SIGTERM stop the service, after what was begun is done; a second one ends it at once. What is held stays held.

Examples:

    natslock serve
    natslock serve --data /var/lib/natslock --nats 0.0.0.0:4222 --log-format json
    natslock serve --nats-url nats://nats-1:4222,nats://nats-2:4222 --replicas 3 --nats-creds worker.creds
    natslock serve --nats-url nats://nats-1:4222 --no-worker --lockd 0.0.0.0:9999`
}

// Run serves until ctx ends or a signal comes.
func (c *serveCmd) Run(ctx context.Context, sys *system, line *kong.Context) error {
	if err := c.check(); err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	starting, started := context.WithCancel(ctx)
	defer started()
	start := newStartLog(sys.err)
	defer start.end()
	if c.LogLevel <= logLevel(slog.LevelDebug) {
		start.pass() // for whoever wants to know all
	}
	go start.wait(starting)
	log := slog.New(start.handler(c.logHandler(sys.err)))
	n, err := c.open(ctx, log)
	switch {
	case ctx.Err() != nil:
		return nil // stopped before it began
	case err != nil:
		return fmt.Errorf("serve: %w", err)
	}
	n.announce(c, log)
	c.warnUnused(line, log)
	warnStrange(line, os.Environ(), log)
	err = c.serve(ctx, n, log, sync.OnceFunc(func() {
		started()
		start.pass()
		_, _ = fmt.Fprintln(sys.err, "natslock: ready")
	}))
	if err != nil {
		return fmt.Errorf("serve: %w", err)
	}
	log.Info("stopped")
	return nil
}

// serve runs the node and closes it. When the store was removed it begins anew, as
// after a start: what was held is lost with the store.
func (c *serveCmd) serve(ctx context.Context, n *node, log *slog.Logger, ready func()) error {
	for {
		err := n.run(ctx, ready)
		n.close(log)
		if !errors.Is(err, bus.ErrGone) {
			return err
		}
		log.Error("beginning anew, with whatever is left of the store", "err", err)
		switch n, err = c.open(ctx, log); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
	}
}

// check finds what makes no sense together.
func (c *serveCmd) check() error {
	switch {
	case c.Replicas != 1 && c.Replicas != 3 && c.Replicas != 5:
		return usagef("serve: --replicas: must be 1, 3 or 5")
	case c.Replicas > 1 && c.NATSURL == "":
		return usagef("serve: --replicas %d: the embedded server is only one; give --nats-url for a cluster", c.Replicas)
	case c.DefaultTTL < schema.MinTTL*time.Millisecond || c.DefaultTTL > schema.MaxTTL*time.Millisecond || c.DefaultTTL%time.Millisecond != 0:
		return usagef("serve: --default-ttl: must be whole milliseconds from 10ms to 24h")
	case c.SessionTTL < schema.MinSessionTTL*time.Millisecond || c.SessionTTL > schema.MaxSessionTTL*time.Millisecond || c.SessionTTL%time.Millisecond != 0:
		return usagef("serve: --session-ttl: must be whole milliseconds from 1s to 5m")
	case c.ReconnectGrace < 0 || c.ReconnectGrace > schema.MaxGrace*time.Millisecond || c.ReconnectGrace%time.Millisecond != 0:
		return usagef("serve: --reconnect-grace: must be whole milliseconds from 0 to 1m")
	case c.NATSURL == "" && c.SystemCreds != "":
		return usagef("serve: --nats-system-creds is for --nats-url")
	case c.NATSURL == "" && c.credentials != (credentials{}):
		return usagef("serve: --nats-creds, --nats-nkey and --nats-tls-* are for --nats-url: the embedded server lets in whoever reaches it")
	case c.NATSMaxSubs < minSubscriptions:
		return usagef("serve: --nats-max-subscriptions: must be at least %d", minSubscriptions)
	case c.NATSURL == "" && c.Data == "":
		return usagef("serve: --data: must not be empty")
	}
	if err := c.checkAlone(); err != nil {
		return err
	}
	if err := c.doorFlags.check(); err != nil {
		return err
	}
	if err := c.lockdFlags.check(); err != nil {
		return err
	}
	if err := c.socketioFlags.check(); err != nil {
		return err
	}
	return c.ldlmFlags.check()
}

// warnUnused names the flags that were given for nothing.
func (c *serveCmd) warnUnused(line *kong.Context, log *slog.Logger) {
	if c.NATSURL == "" {
		return
	}
	for _, name := range []string{"data", "nats", "nats-max-subscriptions", "sync"} {
		if given(line, name) {
			log.Warn("not used: it is for the embedded server, and --nats-url names another", "flag", "--"+name)
		}
	}
	for _, name := range []string{"replicas", "max-store", "default-ttl", "session-ttl", "reconnect-grace", "nats-system-creds"} {
		if c.NoWorker && given(line, name) {
			log.Warn("not used: it is for a worker, and with --no-worker there is none here", "flag", "--"+name)
		}
	}
}

func (c *serveCmd) logHandler(w io.Writer) slog.Handler {
	options := &slog.HandlerOptions{Level: slog.Level(c.LogLevel)}
	if c.LogFormat == "json" {
		return slog.NewJSONHandler(w, options)
	}
	return slog.NewTextHandler(w, options)
}

// logLevel is --log-level.
type logLevel slog.Level

var _ encoding.TextUnmarshaler = (*logLevel)(nil)

// UnmarshalText reads the name of a level.
func (l *logLevel) UnmarshalText(text []byte) error {
	if (*slog.Level)(l).UnmarshalText(text) != nil {
		return fmt.Errorf("%q is none of debug, info, warn, error", text)
	}
	return nil
}

// syncMode is --sync: how long what was acknowledged may take to reach the
// disk. 0 is always.
type syncMode time.Duration

var _ encoding.TextUnmarshaler = (*syncMode)(nil)

// UnmarshalText reads always or a duration.
func (m *syncMode) UnmarshalText(text []byte) error {
	if string(text) == "always" {
		*m = 0
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d <= 0 {
		return fmt.Errorf("%q is neither always nor a duration such as 1s", text)
	}
	*m = syncMode(d)
	return nil
}

func (m syncMode) String() string {
	if m == 0 {
		return "always"
	}
	return time.Duration(m).String()
}
