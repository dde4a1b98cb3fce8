// Command conformance serves what the official test suites of Engine.IO 4 and
// Socket.IO 5 expect to be served, with the code that the gateway uses:
//
//	go run ./service/gateway/socketio/conformance -addr 127.0.0.1:3000
//
// At /engine.io/ it echoes messages, at /socket.io/ events. The namespace /clients
// is for the tests with the clients of npm, beside those suites.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// drain is how long clients have to go away.
const drain = 10 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:3000", "where to listen")
	interval := flags.Duration("ping-interval", 300*time.Millisecond, "from a pong to the next ping")
	timeout := flags.Duration("ping-timeout", 200*time.Millisecond, "for the pong")
	connect := flags.Duration("connect-timeout", time.Second, "for the connect to a namespace")
	if err := flags.Parse(args); err != nil {
		return err
	}
	servers, err := newServers(settings{pingInterval: *interval, pingTimeout: *timeout, connectTimeout: *connect})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "conformance: ready at %s\n", listener.Addr()); err != nil {
		return errors.Join(err, listener.Close())
	}
	return serve(ctx, listener, servers)
}

// serve serves until ctx ends, and then closes the sessions before the listener.
func serve(ctx context.Context, listener net.Listener, servers *servers) error {
	h := &http.Server{Handler: servers.handler(), ReadHeaderTimeout: drain}
	served := make(chan error, 1)
	go func() { served <- h.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	late, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := errors.Join(servers.shutdown(late), h.Shutdown(late))
	if served := <-served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
