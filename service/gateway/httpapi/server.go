package httpapi

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/gateway"
)

// Config says how a Server works. The zero Config is usable.
type Config struct {
	// Realm is that of the calls that name none: /lock, /unlock and /check.
	// Default: default
	Realm string
	// DefaultExpiry is how long a lock lives that was asked for by /lock without
	// exp. Default: 1 s
	DefaultExpiry time.Duration
	// Origins are the web sites whose pages may call, as https://example.com, or
	// * for all. Default: none but the one that is served here.
	Origins []string
	// TLS has the certificate. Default: no TLS.
	TLS *tls.Config
	// Pages are served at paths of their own, beside the calls, and also while calls
	// are not taken. Default: none.
	Pages map[string]http.Handler
	// Home is the page that browsers are shown who ask for /. Default: none.
	Home string
	// Hints say what there is instead, by paths at which nothing is.
	Hints map[string]string
	// Metrics answers /metrics. Default: there are none.
	Metrics http.Handler
	// SocketIO answers /socket.io/, also to pages of other web sites as it sees fit.
	// It is to be shut down along with Drain. Default: nothing is there.
	SocketIO http.Handler
	// Full tells whether the store is nearly full, so that nothing new is locked, and
	// whether it is quite full, so that nothing is decided. Default: neither.
	Full func() (nearly, quite bool)
	// Meters takes the metrics of the Server. Default: nobody.
	Meters  prometheus.Registerer
	Version string // as the OpenAPI document shows it
	Logger  *slog.Logger
}

// What a caller may take for, and how long a connection may be idle.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 10 * time.Second
	writeTimeout  = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	maxHeader     = 16 << 10
)

// Server is the HTTP door.
type Server struct {
	gateway *gateway.Gateway
	door    *gateway.Door
	config  Config
	routes  table
	origins gateway.Origins
	meter   *meter
	log     *slog.Logger // of what callers can provoke
	probe   probe
	openapi []byte
	http    *http.Server

	nonce string        // begins the id of every attempt
	count atomic.Uint64 // ends it
	soles *soles
}

// New makes the HTTP door of a gateway.
func New(g *gateway.Gateway, cfg Config) (*Server, error) {
	if cfg.Realm == "" {
		cfg.Realm = "default"
	}
	if cfg.DefaultExpiry == 0 {
		cfg.DefaultExpiry = time.Second
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Full == nil {
		cfg.Full = func() (nearly, quite bool) { return false, false }
	}
	if cfg.Meters == nil {
		cfg.Meters = prometheus.NewRegistry()
	}
	s := &Server{gateway: g, config: cfg, log: bus.SeldomLogger(cfg.Logger), nonce: rand.Text() + "-", soles: newSoles()}
	var err error
	if s.door, err = g.Door("http"); err != nil {
		return nil, err
	}
	if s.meter, err = newMeter(cfg.Meters); err != nil {
		return nil, err
	}
	if s.origins, err = gateway.NewOrigins(cfg.Origins); err != nil {
		return nil, err
	}
	routes := s.table()
	s.routes = newTable(append(routes, s.pages()...))
	if s.openapi, err = document(routes, cfg.Version); err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         cfg.TLS,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: s.door.Limits().Requests + 1}, // one more, to be told
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, connectionOf(c))
		},
	}
	return s, nil
}

// Serve answers calls until Drain.
func (s *Server) Serve(l net.Listener) error {
	l = &listener{l, s.door}
	serve := s.http.Serve
	if s.config.TLS != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// Drain takes no more connections, waits until what was begun is answered, closes
// what is left when ctx ends, and returns when that is done. The gateway must be
// draining, or nothing that waits comes to an end.
func (s *Server) Drain(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil && ctx.Err() != nil {
		s.config.Logger.Warn("http: not everything was answered in time")
		err = nil
	}
	return errors.Join(err, s.http.Close())
}

// requestID makes the id of an attempt whose caller gave it none.
func (s *Server) requestID() string {
	return s.nonce + strconv.FormatUint(s.count.Add(1), 36)
}
