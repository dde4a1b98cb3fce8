package embedded

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
)

// Account is the account of workers and callers.
const Account = "NATSLOCK"

// startTimeout bounds the wait for the listener once the data has been read.
const startTimeout = 10 * time.Second

const (
	maxSubscriptions = 10_000          // of one connection
	writeDeadline    = 2 * time.Second // after which a connection that takes nothing is closed

	// maxPending is what the server keeps for a connection that does not keep
	// up, in bytes. From three quarters on, who sends there hears that nobody
	// listens. It must exceed what a watch of the store lets be on its way, or a
	// start with many records would cost the worker its connection: twice, since
	// what is being written counts until the last of it is, and by then its
	// receiver may have asked for as much again.
	maxPending = 2*server.JsFlowControlMaxPending + 8<<20
)

// How much JetStream may take, in bytes. In memory are sessions, of which the
// worker lets there be no more than fit.
const (
	boundless = 1 << 50
	maxMemory = 1 << 30
)

// minSync bounds how often the server syncs: its timer starts before it is ready
// for it to fire.
const minSync = 10 * time.Millisecond

// Config says what server to start.
type Config struct {
	DataDir string // required; created if it is not there
	// Addr is the host and port to listen on; port 0 takes a free one. ""
	// is no listener: only connections within the process.
	Addr string
	// Sync is how long what was acknowledged may take to reach the disk, at
	// least 10 ms. 0: nothing is acknowledged that is not on disk.
	Sync         time.Duration
	Name         string        // of the server. Default: natslock
	PingInterval time.Duration // to find dead connections; two may be missed. Default: 5 s
	MaxPayload   int32         // bytes of a message. Default: what the largest answer needs
	// MaxSubscriptions bounds what each connection listens to. Default: 10,000.
	MaxSubscriptions int
	Logger           *slog.Logger // Default: none
}

// Server is a running NATS server.
type Server struct {
	nats    *server.Server
	account *server.Account // of workers and callers
	log     *logger
	data    *dataDir
	secrets secrets
	guard   *guard
	stop    sync.Once
}

// Start starts the server and returns when it accepts connections and has read
// all data. Errors: an address that is none, a port that is taken, a data
// directory that cannot be used, is in use by another server or is damaged; the
// text says what to do.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	cfg = cfg.withDefaults()
	addr, err := parseAddr(cfg.Addr)
	if err != nil {
		return nil, err
	}
	data, err := openDataDir(cfg.DataDir)
	if err != nil {
		return nil, err
	}
	s := &Server{log: newLogger(cfg.Logger), data: data, secrets: newSecrets()}
	if err := s.start(ctx, cfg, addr); err != nil {
		if stop := s.Shutdown(); stop != nil {
			return nil, fmt.Errorf("%w (and then: %w)", err, stop)
		}
		return nil, err
	}
	return s, nil
}

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = "natslock"
	}
	if c.PingInterval <= 0 {
		c.PingInterval = 5 * time.Second
	}
	if c.MaxSubscriptions <= 0 {
		c.MaxSubscriptions = maxSubscriptions
	}
	if c.MaxPayload <= 0 {
		c.MaxPayload = bus.MinPayload
	}
	return c
}

func (s *Server) start(ctx context.Context, cfg Config, addr address) error {
	if err := s.data.verify(cfg.grace()); err != nil {
		return err
	}
	options, err := cfg.options(addr, s.secrets)
	if err != nil {
		return err
	}
	if s.nats, err = server.NewServer(options); err != nil {
		return fmt.Errorf("nats server: %w", err)
	}
	if s.account, err = s.nats.LookupAccount(Account); err != nil {
		return fmt.Errorf("nats server accounts: %w", err)
	}
	s.nats.SetLoggerV2(s.log, s.log.debugs(), false, false)
	s.nats.Start()
	if err := s.log.fatal(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if !s.nats.ReadyForConnections(startTimeout) {
		return fmt.Errorf("nats server is not ready after %s", startTimeout)
	}
	if err := s.recovered(); err != nil {
		return err
	}
	s.guard = newGuard(s)
	return nil
}

// grace is how long before the newest a file may have been written that a crash
// damaged: what Sync says may be lost, and a little for its timer.
func (c Config) grace() time.Duration {
	if c.Sync <= 0 {
		return 0
	}
	return c.Sync + 5*time.Second
}

// options are those of the NATS server.
func (c Config) options(addr address, secrets secrets) (*server.Options, error) {
	options := &server.Options{}
	if err := options.ProcessConfigString(secrets.accounts()); err != nil {
		return nil, fmt.Errorf("nats server accounts: %w", err)
	}
	options.ServerName = c.Name
	options.DontListen = !addr.listen
	options.Host = addr.host
	options.Port = addr.port
	if addr.port == 0 {
		options.Port = server.RANDOM_PORT
	}
	options.NoSigs = true
	options.PingInterval = c.PingInterval
	options.MaxPingsOut = 2
	options.MaxPayload = c.MaxPayload
	options.MaxPending = maxPending
	options.MaxSubs = c.MaxSubscriptions
	// A caller that does not read its answers must not hold up the worker, and
	// with it everybody else: the server would slow down whoever sends to it.
	options.NoFastProducerStall = true
	options.WriteDeadline = writeDeadline
	options.WriteTimeout = server.WriteTimeoutPolicyRetry
	options.JetStream = true
	// Nobody but the worker writes here, and it knows when to stop. A bound of the
	// server would keep it from making room, too.
	options.JetStreamMaxStore = boundless
	options.JetStreamMaxMemory = maxMemory
	options.DisableJetStreamBanner = true
	options.StoreDir = c.DataDir
	options.SyncAlways = c.Sync <= 0
	options.SyncInterval = max(c.Sync, minSync)
	return options, nil
}

// WorkerConn connects within the process, with the rights of a worker. The
// connection is closed by the caller.
func (s *Server) WorkerConn(options ...nats.Option) (*nats.Conn, error) {
	options = append([]nats.Option{nats.CustomInboxPrefix(workerInbox)}, options...)
	return s.connect(workerUser, s.secrets.worker, options)
}

// SystemConn connects within the process to the system account.
func (s *Server) SystemConn(options ...nats.Option) (*nats.Conn, error) {
	return s.connect(systemUser, s.secrets.system, options)
}

// CallerConn connects within the process with the rights that callers have at
// the listener.
func (s *Server) CallerConn(options ...nats.Option) (*nats.Conn, error) {
	return s.connect(callerUser, s.secrets.caller, options)
}

func (s *Server) connect(user, password string, options []nats.Option) (*nats.Conn, error) {
	all := append(bus.Defaults(), bus.Logged(s.log.to)...)
	all = append(all, nats.InProcessServer(s.nats), nats.UserInfo(user, password))
	nc, err := nats.Connect("", append(all, options...)...)
	if err != nil {
		return nil, fmt.Errorf("connect to the embedded nats server as %s: %w", user, err)
	}
	return nc, nil
}

// ClientURL is where callers connect; "" without a listener.
func (s *Server) ClientURL() string {
	if s.nats.Addr() == nil {
		return ""
	}
	return "nats://" + s.nats.Addr().String()
}

// Failed receives one error when the server can store nothing any more, because
// the disk is full or broken: end the process, it cannot recover by itself.
func (s *Server) Failed() <-chan error { return s.log.failed }

// Shutdown stops the server and returns when it has closed all connections and
// files. A second time does nothing.
func (s *Server) Shutdown() error {
	var err error
	s.stop.Do(func() {
		if s.guard != nil {
			s.guard.stop()
		}
		if s.nats != nil {
			s.nats.Shutdown()
			s.nats.WaitForShutdown()
		}
		err = s.data.close()
	})
	return err
}

// jetStreamDir is where JetStream keeps its files.
func jetStreamDir(dataDir string) string { return filepath.Join(dataDir, server.JetStreamStoreDir) }
