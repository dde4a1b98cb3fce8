package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/lockd"
)

// lockdFlags are the flags of serve for those who speak the line protocol of lockd.
type lockdFlags struct {
	Lockd           listenAddr `name:"lockd" group:"doors" placeholder:"ADDR" help:"Where the line protocol of lockd and glockd is served over TCP, such as 127.0.0.1:9999. Default: nowhere."`
	LockdUnix       string     `name:"lockd-unix" group:"doors" complete:"file" placeholder:"PATH" help:"Where it is served over a unix socket. Default: nowhere."`
	LockdWS         listenAddr `name:"lockd-ws" group:"doors" placeholder:"ADDR" help:"Where it is served over websockets. Default: nowhere."`
	LockdWSOrigin   []string   `name:"lockd-ws-origin" group:"doors" placeholder:"ORIGIN" help:"Web sites whose pages may open such a websocket, such as https://example.com, separated by commas, or * for all. On loopback their names are served, too. Default: those of the host that is called."`
	LockdRealm      string     `name:"lockd-realm" group:"doors" default:"lockd" placeholder:"NAME" help:"Realm of its exclusive locks; that of its shared ones has -shared after it. Default: lockd."`
	LockdNoDump     bool       `name:"lockd-no-dump" group:"doors" help:"Switch off what lists its locks: d, sd, dump and who."`
	LockdNoRegistry bool       `name:"lockd-no-registry" group:"doors" help:"Switch off the names of its connections: iam and who."`
}

// check finds what makes no sense.
func (f *lockdFlags) check() error {
	const longest = schema.MaxRealm - len(lockd.SharedSuffix)
	if f.LockdRealm == "" || len(f.LockdRealm) > longest || !utf8.ValidString(f.LockdRealm) {
		return usagef("serve: --lockd-realm: must have 1 to %d bytes of UTF-8", longest)
	}
	if _, err := gateway.NewOrigins(f.LockdWSOrigin); err != nil {
		return usagef("serve: --lockd-ws-origin: %w", err)
	}
	return nil
}

// lockdDoor is the door for the line protocol of lockd: none of its ways need be open.
type lockdDoor struct {
	tcp, unix, ws net.Listener
	server        *lockd.Server
}

// listen takes the addresses. After an error it has some of them.
func (d *lockdDoor) listen(ctx context.Context, f *lockdFlags) (err error) {
	if f.Lockd != "" {
		if d.tcp, err = gateway.Listen(ctx, string(f.Lockd)); err != nil {
			return fmt.Errorf("lockd: %w", orElsewhere(err, byFlag("lockd")))
		}
	}
	if f.LockdUnix != "" {
		if d.unix, err = lockd.ListenUnix(ctx, f.LockdUnix); err != nil {
			return fmt.Errorf("lockd: %w", orElsewhere(err, byFlag("lockd-unix")))
		}
	}
	if f.LockdWS != "" {
		if d.ws, err = gateway.Listen(ctx, string(f.LockdWS)); err != nil {
			return fmt.Errorf("lockd websockets: %w", orElsewhere(err, byFlag("lockd-ws")))
		}
	}
	return nil
}

// isOpen tells whether there is any way in.
func (d *lockdDoor) isOpen() bool { return d.tcp != nil || d.unix != nil || d.ws != nil }

// open connects what listens with the service.
func (d *lockdDoor) open(g *gateway.Gateway, f *lockdFlags, log *slog.Logger) error {
	if !d.isOpen() {
		return nil
	}
	counted, err := g.Door("lockd")
	if err != nil {
		return err
	}
	origins, err := gateway.NewOrigins(f.LockdWSOrigin)
	if err != nil {
		return err
	}
	d.server = lockd.New(lockd.Cluster(g.Client, f.LockdRealm), counted, lockd.Config{
		NoDump: f.LockdNoDump, NoRegistry: f.LockdNoRegistry, Origins: origins, Logger: log,
	})
	if d.tcp != nil {
		log.Info("lockd listens", "addr", d.tcp.Addr().String())
	}
	if d.unix != nil {
		log.Info("lockd listens on a unix socket", "path", d.unix.Addr().String())
	}
	if d.ws != nil {
		log.Info("lockd websockets listen", "url", "ws://"+d.ws.Addr().String())
	}
	return nil
}

// ways are what serves each way in, until the drain.
func (d *lockdDoor) ways() (serve []func() error) {
	if d.tcp != nil {
		serve = append(serve, func() error { return d.server.Serve(d.tcp) })
	}
	if d.unix != nil {
		serve = append(serve, func() error { return d.server.Serve(d.unix) })
	}
	if d.ws != nil {
		serve = append(serve, func() error { return d.server.ServeWebsockets(d.ws) })
	}
	return serve
}

// drain closes the door.
func (d *lockdDoor) drain(ctx context.Context) {
	if d.server != nil {
		d.server.Drain(ctx)
	}
}

// close gives the addresses back.
func (d *lockdDoor) close() error { return closeListeners(d.tcp, d.unix, d.ws) }
