package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/console"
	"github.com/natslock/natslock/service/gateway/httpapi"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
	"github.com/natslock/natslock/service/gateway/socketio/script"
)

// doorFlags are the flags of serve for those who call over something else than NATS.
type doorFlags struct {
	HTTP          listenAddr    `name:"http" group:"doors" default:"127.0.0.1:8080" placeholder:"ADDR" help:"Where HTTP is served; port 0 takes a free one, and an empty address serves none. Default: 127.0.0.1:8080."`
	HTTPRealm     string        `name:"http-realm" group:"doors" default:"default" placeholder:"NAME" help:"Realm of /lock, /unlock and /check. Default: default."`
	DefaultExpiry time.Duration `name:"default-expiry" group:"doors" default:"1s" placeholder:"D" help:"How long a lock lives that /lock takes without exp. Default: 1s."`
	HTTPOrigin    []string      `name:"http-origin" group:"doors" placeholder:"ORIGIN" help:"Web sites whose pages may call over HTTP, such as https://example.com, separated by commas, or * for all. Default: the one that is served here."`
	HTTPTLSCert   string        `name:"http-tls-cert" group:"doors" complete:"file" placeholder:"FILE" help:"Certificate for HTTPS, PEM, with those that it needs after it."`
	HTTPTLSKey    string        `name:"http-tls-key" group:"doors" complete:"file" placeholder:"FILE" help:"Key of the certificate, PEM."`
	AuthUser      string        `name:"auth-user" group:"doors" placeholder:"NAME" help:"Who may see the console, at /console and /test over HTTP. Default: at /console whoever is on this machine."`
	AuthPassword  string        `name:"auth-password" group:"doors" placeholder:"WORD" help:"The password for that. Better give it as NATSLOCK_AUTH_PASSWORD: others can see flags."`

	Drain          time.Duration `name:"drain" group:"doors" default:"10s" placeholder:"D" help:"How long a stop may wait until what was asked is answered. Default: 10s."`
	MaxConnections int           `name:"max-connections" group:"doors" default:"10000" placeholder:"N" help:"Connections to each door at a time. Default: 10000."`
	MaxRequests    int           `name:"max-requests" group:"doors" default:"128" placeholder:"N" help:"Requests of a connection at a time. Default: 128."`
	MaxWaiters     int           `name:"max-waiters" group:"doors" default:"64" placeholder:"N" help:"Those of them that wait. Default: 64."`
	MaxRequestSize int           `name:"max-request-size" group:"doors" default:"65536" placeholder:"BYTES" help:"Size of a request, at most 65536. Default: 65536."`
}

// check finds what makes no sense together.
func (f *doorFlags) check() error {
	switch {
	case (f.HTTPTLSCert == "") != (f.HTTPTLSKey == ""):
		return usagef("serve: --http-tls-cert and --http-tls-key: one needs the other")
	case f.HTTPRealm == "" || len(f.HTTPRealm) > schema.MaxRealm:
		return usagef("serve: --http-realm: must have 1 to %d bytes", schema.MaxRealm)
	case f.DefaultExpiry < schema.MinTTL*time.Millisecond || f.DefaultExpiry > schema.MaxTTL*time.Millisecond || f.DefaultExpiry%time.Millisecond != 0:
		return usagef("serve: --default-expiry: must be whole milliseconds from 10ms to 24h")
	case f.MaxConnections < 1 || f.MaxRequests < 1 || f.MaxWaiters < 1:
		return usagef("serve: --max-connections, --max-requests, --max-waiters: must be at least 1")
	case f.MaxRequestSize < 1 || f.MaxRequestSize > schema.MaxRequest:
		return usagef("serve: --max-request-size: must be 1 to %d", schema.MaxRequest)
	}
	if err := f.console().Check(); err != nil {
		return usagef("serve: --auth-user and --auth-password: %w", err)
	}
	if _, err := gateway.NewOrigins(f.HTTPOrigin); err != nil {
		return usagef("serve: --http-origin: %w", err)
	}
	return nil
}

func (f *doorFlags) console() console.Config {
	return console.Config{User: f.AuthUser, Password: f.AuthPassword}
}

func (f *doorFlags) limits() gateway.Limits {
	return gateway.Limits{Connections: f.MaxConnections, Requests: f.MaxRequests, Waiters: f.MaxWaiters, Size: f.MaxRequestSize}
}

// doors are open for those who call over something else than NATS.
type doors struct {
	nats     *nats.Conn
	gateway  *gateway.Gateway
	http     *httpapi.Server // nil: not open
	socketio *locker.Server  // along with it
	listener net.Listener    // for it
	lockd    lockdDoor
	ldlm     ldlmDoor
	patience time.Duration // for the drain
	log      *slog.Logger
}

// listen takes the addresses of the doors, before anything else is begun that
// takes long.
func (n *node) listen(ctx context.Context, c *serveCmd, log *slog.Logger) (err error) {
	d := &doors{patience: c.Drain, log: log}
	n.closers = append(n.closers, d.lockd.close)
	if err := d.lockd.listen(ctx, &c.lockdFlags); err != nil {
		return err
	}
	n.closers = append(n.closers, d.ldlm.close)
	if err := d.ldlm.listen(ctx, &c.ldlmFlags); err != nil {
		return err
	}
	if c.HTTP != "" {
		if d.listener, err = gateway.Listen(ctx, string(c.HTTP)); err != nil {
			return fmt.Errorf("http: %w", orElsewhere(err, byFlag("http")))
		}
		n.closers = append(n.closers, func() error { return closeListeners(d.listener) })
	}
	if d.listener != nil || d.lockd.isOpen() || d.ldlm.isOpen() {
		n.doors = d
	}
	return nil
}

// closeListeners closes those that are there, and not yet closed by who served them.
func closeListeners(listeners ...net.Listener) error {
	var errs []error
	for _, l := range listeners {
		if l == nil {
			continue
		}
		if err := l.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// openDoors connects what listens with the service. Calls are not taken yet.
func (n *node) openDoors(ctx context.Context, c *serveCmd, registry *prometheus.Registry, log *slog.Logger) (err error) {
	d := n.doors
	if d == nil {
		return nil
	}
	nc, err := n.connect(func() (*nats.Conn, error) {
		if n.nats != nil {
			return n.nats.CallerConn(nats.Name("natslock doors"))
		}
		return c.connect(ctx, c.NATSURL, "natslock doors", log)
	})
	if err != nil {
		return err
	}
	d.nats = nc
	if d.gateway, err = gateway.New(nc, gateway.Config{Limits: c.limits(), Metrics: registry, Logger: log, Local: &n.local}); err != nil {
		return err
	}
	n.closers = append(n.closers, d.gateway.Close)
	if err := d.lockd.open(d.gateway, &c.lockdFlags, log); err != nil {
		return err
	}
	if err := d.ldlm.open(d.gateway, &c.ldlmFlags, log); err != nil || d.listener == nil {
		return err
	}
	var full func() (nearly, quite bool) // doors alone do not know
	if n.worker != nil {
		full = n.worker.Full
	}
	return d.openHTTP(c, full, registry)
}

// openHTTP connects the HTTP door with the service.
func (d *doors) openHTTP(c *serveCmd, full func() (nearly, quite bool), registry *prometheus.Registry) (err error) {
	pages, err := console.Pages(c.console())
	if err != nil {
		return fmt.Errorf("console: %w", err)
	}
	scripts, err := script.Pages()
	if err != nil {
		return err
	}
	maps.Copy(pages, scripts)
	config := httpapi.Config{
		Realm: c.HTTPRealm, DefaultExpiry: c.DefaultExpiry, Origins: c.HTTPOrigin, Pages: pages, Home: console.Path, Full: full,
		Metrics: metricsHandler(registry, d.log), Meters: registry, Version: about().Version, Logger: d.log,
	}
	if c.AuthUser == "" {
		config.Hints = map[string]string{console.TestPath: "the console is here if there are NATSLOCK_AUTH_USER and NATSLOCK_AUTH_PASSWORD; without them it is at " + console.Path}
	}
	if d.socketio, err = c.socketioFlags.open(d.gateway, c.HTTPOrigin, d.log); err != nil {
		return err
	}
	config.SocketIO = d.socketio
	scheme := "http://"
	if c.HTTPTLSCert != "" {
		certificate, err := tls.LoadX509KeyPair(c.HTTPTLSCert, c.HTTPTLSKey)
		if err != nil {
			return fmt.Errorf("http: %w", err)
		}
		config.TLS, scheme = &tls.Config{Certificates: []tls.Certificate{certificate}}, "https://"
	}
	if d.http, err = httpapi.New(d.gateway, config); err != nil {
		return err
	}
	d.log.Info("http listens", "url", scheme+d.listener.Addr().String(), "console", console.Path)
	return nil
}

// serve answers calls, until drain. An error is what keeps one of the doors from that.
func (d *doors) serve() error {
	if d == nil {
		return nil
	}
	ways := append(d.lockd.ways(), d.ldlm.ways()...)
	if d.http != nil {
		ways = append(ways, func() error { return d.http.Serve(d.listener) })
	}
	ended := make(chan error, len(ways))
	for _, serve := range ways {
		go func() { ended <- serve() }()
	}
	for range ways {
		if err := <-ended; err != nil {
			return err // the others end by the drain
		}
	}
	return nil
}

// ready has calls taken.
func (d *doors) ready() {
	if d != nil {
		d.gateway.Ready()
	}
}

// drain closes the doors, when what was begun is answered or given up, or ctx ends.
func (d *doors) drain(ctx context.Context) {
	if d == nil {
		return
	}
	d.gateway.Drain()
	ctx, cancel := context.WithTimeout(ctx, d.patience)
	defer cancel()
	var closing sync.WaitGroup
	closing.Go(func() { d.lockd.drain(ctx) })
	closing.Go(func() { d.ldlm.drain(ctx) })
	if d.http != nil {
		closing.Go(func() {
			if err := d.socketio.Shutdown(ctx); err != nil {
				d.log.Warn("could not close all sockets in time", "err", err)
			}
		})
		if err := d.http.Drain(ctx); err != nil {
			d.log.Warn("could not close the http door", "err", err)
		}
	}
	closing.Wait()
	_ = d.gateway.Close() // as long as somebody acknowledges what was given up; node.close has the error
}
