package gateway

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway/fan"
)

// Config says how a Gateway works. The zero Config is usable.
type Config struct {
	Limits  Limits                // of each door
	Metrics prometheus.Registerer // takes the metrics of the doors. Default: nobody
	Logger  *slog.Logger          // Default: nothing is logged
	Local   *bus.Local            // of a worker in this process. Default: all goes over NATS

	// SessionTTL is that of its session: how long it may be away from the service, or
	// held up, before what its callers hold is lost. Default: 10 s
	SessionTTL time.Duration
}

// Gateway is the doors' way to the service. Its methods may be called
// concurrently.
type Gateway struct {
	*client.Client
	config Config
	ready  atomic.Bool
	drain  context.Context // ends when draining begins
	shut   context.CancelCauseFunc

	watches  *fan.Hub[*Told] // by realm
	watchers watchers
}

// ErrDraining is why a call is not taken, or waits no longer: the process ends, and
// others take calls.
var ErrDraining = errors.New("this natslock is being stopped: call again, another one may answer")

// ErrStarting is why a call is not taken yet.
var ErrStarting = errors.New("this natslock is being started")

// sessionTTL is the TTL of the session, and its grace: callers who come back to another
// gateway find what they hold until that is over.
const sessionTTL = schema.DefaultSessionTTL * time.Millisecond

// New makes a Gateway on a connection of its own, which stays the caller's; another
// one is made like it when somebody first watches. It takes no calls before Ready. Errors:
// those of client.New.
func New(nc *nats.Conn, cfg Config) (*Gateway, error) {
	cfg.Limits = cfg.Limits.withDefaults()
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	cfg.SessionTTL = cmp.Or(cfg.SessionTTL, sessionTTL)
	grace := min(cfg.SessionTTL, schema.MaxGrace*time.Millisecond)
	c, err := client.New(nc, &client.Options{Logger: cfg.Logger, SessionTTL: cfg.SessionTTL, Grace: grace, StayOnClose: true, Local: cfg.Local})
	if err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g := &Gateway{Client: c, config: cfg, watchers: watchers{like: nc.Opts}}
	g.watches = fan.NewHub(MaxBehind, g.watchers.source)
	g.drain, g.shut = context.WithCancelCause(context.Background())
	return g, nil
}

// Close ends what is watched, and the Client.
func (g *Gateway) Close() error {
	g.watches.Close(client.ErrClosed)
	return errors.Join(g.watchers.close(), g.Client.Close())
}

// Ready has calls taken from now on.
func (g *Gateway) Ready() { g.ready.Store(true) }

// Drain has no more calls taken, and those that wait for something end: see Waiting.
func (g *Gateway) Drain() { g.shut(ErrDraining) }

// Draining returns a channel that is closed when draining begins.
func (g *Gateway) Draining() <-chan struct{} { return g.drain.Done() }

// Open returns nil if calls are taken, and why not otherwise.
func (g *Gateway) Open() error {
	switch {
	case g.drain.Err() != nil:
		return ErrDraining
	case !g.ready.Load():
		return ErrStarting
	}
	return nil
}

// Waiting returns a context for a call that may wait. It ends with its parent; and
// when draining begins, with that cause, which is client.ErrHandedOver too if the
// caller can repeat the attempt elsewhere. stop gives it back.
func (g *Gateway) Waiting(parent context.Context, repeatable bool) (ctx context.Context, stop func()) {
	cause := ErrDraining
	if repeatable {
		cause = errors.Join(ErrDraining, client.ErrHandedOver)
	}
	ctx, cancel := context.WithCancelCause(parent)
	detach := context.AfterFunc(g.drain, func() { cancel(cause) })
	return ctx, func() {
		detach()
		cancel(nil)
	}
}

// Once is CallIn with a request that its caller makes once. When a release has to be
// repeated, that the hold is gone may be the first copy's doing, and is no news to the
// caller: see client.ReleaseIn.
func (g *Gateway) Once(ctx context.Context, realm string, v schema.Verb, m schema.Message) (*schema.Reply, error) {
	if release, ok := m.(*schema.Release); ok {
		return g.ReleaseIn(ctx, realm, release)
	}
	return g.CallIn(ctx, realm, v, m)
}

// probeTimeout is how long the store may take to show that it is there.
const probeTimeout = 2 * time.Second

// Probe asks the service something that needs its store, and returns nil if that
// was answered, or why calls are not taken or not answered.
func (g *Gateway) Probe(ctx context.Context) error {
	if err := g.Open(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	return g.Answered(ctx)
}

// Answered is Probe whether calls are taken or not, and waits for an answer until ctx
// ends.
func (g *Gateway) Answered(ctx context.Context) error {
	reply, err := g.Call(ctx, schema.VerbInspect, &schema.Inspect{Name: "ready"})
	switch {
	case err != nil:
		return fmt.Errorf("no worker or no store answers: %w", err)
	case reply.Status == schema.StatusOK, reply.Status == schema.StatusDenied:
		return nil
	}
	return fmt.Errorf("the service answers %s: %s", reply.Status, reply.Message)
}
