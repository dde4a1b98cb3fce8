package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/cmd/natslock/bench"
	"github.com/natslock/natslock/service"
)

// Where locks and sessions are stored.
const (
	locksBucket    = "natslock_locks"
	sessionsBucket = "natslock_sessions"
)

// storePatience is how long the store may have no leader when a node starts: a
// new cluster elects one within seconds. Tests make it shorter.
var storePatience = time.Minute

// node is a running service: a NATS server, if it is embedded, and a worker.
type node struct {
	nats     *embedded.Server
	conn     *nats.Conn // the worker's
	events   *nats.Conn // its other one
	locks    *bus.Bucket
	sessions *bus.Bucket
	worker   *service.Worker // nil: doors alone
	doors    *doors          // nil: none is open
	local    bus.Local       // of worker and doors
	closers  []func() error
}

// open starts everything but the worker. After an error nothing is left.
func (c *serveCmd) open(ctx context.Context, log *slog.Logger) (*node, error) {
	n := &node{}
	if err := n.open(ctx, c, log); err != nil {
		n.close(log)
		return nil, err
	}
	return n, nil
}

func (n *node) open(ctx context.Context, c *serveCmd, log *slog.Logger) (err error) {
	if err := n.listen(ctx, c, log); err != nil {
		return err
	}
	if c.NoWorker {
		return n.openAlone(ctx, c, log)
	}
	connect := func() (*nats.Conn, error) { return c.connect(ctx, c.NATSURL, "natslock worker", log) }
	if c.NATSURL == "" {
		if err := n.embed(ctx, c, log); err != nil {
			return err
		}
		connect = func() (*nats.Conn, error) { return n.nats.WorkerConn(nats.Name("natslock worker")) }
	}
	if n.conn, err = n.connect(connect); err != nil {
		return err
	}
	if n.events, err = n.connect(func() (*nats.Conn, error) {
		if n.nats != nil {
			return n.nats.WorkerConn(append(bus.EventOptions(), nats.Name("natslock events"))...)
		}
		return c.connect(ctx, c.NATSURL, "natslock events", log, bus.EventOptions()...)
	}); err != nil {
		return err
	}
	if err := n.openStore(ctx, c, log); err != nil {
		return err
	}
	registry := n.registry()
	if err := n.openWorker(ctx, c, registry, log); err != nil {
		return err
	}
	if err := n.watch(ctx, c, log); err != nil {
		return err
	}
	if err := n.openDoors(ctx, c, registry, log); err != nil {
		return err
	}
	if c.Echo {
		return n.echo(connect)
	}
	return nil
}

func (n *node) embed(ctx context.Context, c *serveCmd, log *slog.Logger) (err error) {
	n.nats, err = embedded.Start(ctx, embedded.Config{DataDir: c.Data, Addr: string(c.NATS), Sync: time.Duration(c.Sync), MaxSubscriptions: c.NATSMaxSubs, Logger: log})
	if err != nil {
		return orElsewhere(err, byFlag("nats")+", or use the NATS that is there by --nats-url")
	}
	n.closers = append(n.closers, n.nats.Shutdown)
	return nil
}

// announce logs what was started.
func (n *node) announce(c *serveCmd, log *slog.Logger) {
	switch {
	case c.NoWorker:
		log.Info("doors alone: workers are elsewhere on this nats", "url", bus.Redact(c.NATSURL))
		return
	case n.nats == nil:
		log.Info("using nats; what is on disk when is up to its servers", "url", bus.Redact(c.NATSURL))
		return
	case c.Sync == 0:
		log.Info("sync always: nothing is acknowledged that is not on disk")
	default:
		log.Warn("sync by interval: a crash of the machine can lose what was acknowledged last; one of natslock loses nothing",
			"interval", c.Sync.String())
	}
	log.Info("nats listens", "url", n.nats.ClientURL(), "data", c.Data)
}

func (n *node) connect(connect func() (*nats.Conn, error)) (*nats.Conn, error) {
	nc, err := connect()
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, func() error { nc.Close(); return nil })
	return nc, nil
}

func (n *node) openStore(ctx context.Context, c *serveCmd, log *slog.Logger) (err error) {
	if n.locks, err = n.bucket(ctx, c, log, bus.BucketConfig{Name: locksBucket}); err != nil {
		return err
	}
	// Keepalives are many and worth nothing after a restart: what locks name is
	// known from the locks.
	n.sessions, err = n.bucket(ctx, c, log, bus.BucketConfig{Name: sessionsBucket, Memory: true})
	return err
}

func (n *node) openWorker(ctx context.Context, c *serveCmd, registry *prometheus.Registry, log *slog.Logger) (err error) {
	config := service.Config{
		DefaultTTL: c.DefaultTTL, SessionTTL: c.SessionTTL, ReconnectGrace: c.ReconnectGrace,
		Sync: time.Duration(c.Sync), MaxStore: int64(c.MaxStore), Version: about().Version, Logger: log,
		Events: n.events, Local: &n.local,
	}
	if n.nats != nil {
		config.Listening, config.DiskRoom = n.nats.Listening, n.nats.DiskRoom
	}
	if c.Metrics != "" || n.doors != nil {
		config.Metrics = registry
	}
	if err := n.exporter(ctx, c, registry, log); err != nil {
		return err
	}
	n.worker, err = service.New(n.conn, c.grouped(n.locks), n.sessions, &config)
	return err
}

// bucket opens a bucket, or makes it.
func (n *node) bucket(ctx context.Context, c *serveCmd, log *slog.Logger, cfg bus.BucketConfig) (*bus.Bucket, error) {
	first, err := bus.FirstSeq(time.Now())
	if err != nil {
		return nil, err
	}
	cfg.Replicas, cfg.FirstSeq, cfg.Logger = c.Replicas, first, log
	opening, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	bucket, err := bus.OpenBucket(opening, n.conn, cfg)
	if opening.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("the store did not answer within %s: is JetStream enabled on this NATS, and has it a leader? %w", storePatience, err)
	}
	if err != nil {
		return nil, err
	}
	n.closers = append(n.closers, bucket.Close)
	return bucket, nil
}

// watch has the worker hear at once of connections that are closed.
func (n *node) watch(ctx context.Context, c *serveCmd, log *slog.Logger) error {
	account := embedded.Account
	connect := func() (*nats.Conn, error) { return n.nats.SystemConn(nats.Name("natslock watch")) }
	if n.nats == nil {
		if c.SystemCreds == "" {
			log.Info("without --nats-system-creds a client that crashes is missed when its session has been silent for its TTL")
			return nil
		}
		account = "*"
		system := credentials{Creds: c.SystemCreds, TLSCA: c.TLSCA, TLSCert: c.TLSCert, TLSKey: c.TLSKey}
		connect = func() (*nats.Conn, error) { return system.connect(ctx, c.NATSURL, "natslock watch", log) }
	}
	nc, err := n.connect(connect)
	if err != nil {
		return err
	}
	stop, err := bus.Departures(nc, account, n.worker.ConnectionClosed)
	if err != nil {
		return err
	}
	n.closers = append(n.closers, stop)
	return nil
}

// grouped lets writes share their way to the disk where each would have one of
// its own: in a cluster, and with NATS that is there already, that is up to the servers.
func (c *serveCmd) grouped(store bus.Store) bus.Store {
	if c.NATSURL == "" && c.Sync == 0 {
		return bus.NewGroup(store)
	}
	return store
}

func (n *node) echo(connect func() (*nats.Conn, error)) error {
	nc, err := n.connect(connect)
	if err != nil {
		return err
	}
	echo, err := bench.ServeEcho(nc)
	if err != nil {
		return err
	}
	n.closers = append(n.closers, echo.Stop)
	return nil
}

// run works until ctx ends, or the server cannot go on. The doors are closed while
// the worker can still answer what came in by them.
func (n *node) run(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var broken, shut error
	var watch sync.WaitGroup
	watch.Go(func() { tuneCollector(ctx) })
	watch.Go(func() {
		shut = n.doors.serve()
		if shut != nil {
			cancel()
		}
	})
	watch.Go(func() {
		<-ctx.Done()
		n.doors.drain(working)
		stop()
	})
	if n.nats != nil {
		watch.Go(func() {
			select {
			case broken = <-n.nats.Failed():
				cancel()
			case <-ctx.Done():
			}
		})
	}
	err := n.work(working, func() {
		n.doors.ready()
		ready()
	})
	stop()
	cancel()
	watch.Wait()
	return errors.Join(broken, shut, err)
}

// work has the worker answer until ctx ends; or, if there is none here, whoever does
// elsewhere.
func (n *node) work(ctx context.Context, ready func()) error {
	if n.worker == nil {
		return n.doors.alone(ctx, ready)
	}
	return n.worker.Run(ctx, func() {
		debug.FreeOSMemory() // reading all records has left as much garbage
		ready()
	})
}

// close ends what open began, in the reverse order.
func (n *node) close(log *slog.Logger) {
	for i := len(n.closers) - 1; i >= 0; i-- {
		if err := n.closers[i](); err != nil {
			log.Error("stop", "err", fmt.Sprint(err))
		}
	}
}
