package lockd_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"testing"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/lockd"
)

// BenchmarkPairs takes and releases locks, one of its own for each of 64 callers: over
// lockd's lines, and over NATS connections of their own.
func BenchmarkPairs(b *testing.B) {
	s := clienttest.New(b, clienttest.Listen())
	b.Run("lockd", func(b *testing.B) {
		l := benchDoor(b, s)
		gatewaytest.Pairs(b, func(i int) func() error {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = c.Close() })
			in := bufio.NewReader(c)
			return func() error { return errors.Join(askOne(c, in, "g", i), askOne(c, in, "r", i)) }
		})
	})
	b.Run("nats", func(b *testing.B) {
		gatewaytest.NATSPairs(b, s.URL())
	})
}

// askOne sends a command about a lock and reads a reply that must say yes.
func askOne(c net.Conn, in *bufio.Reader, command string, i int) error {
	if _, err := fmt.Fprintf(c, "%s lockd %d\n", command, i); err != nil {
		return err
	}
	line, err := in.ReadSlice('\n')
	if err == nil && line[0] != '1' {
		err = fmt.Errorf("%s: %q", command, line)
	}
	return err
}

func benchDoor(b *testing.B, s *clienttest.Server) net.Listener {
	b.Helper()
	g, err := gateway.New(s.Conn(), gateway.Config{Local: s.Local()})
	if err != nil {
		b.Fatal(err)
	}
	door, err := g.Door("lockd")
	if err != nil {
		b.Fatal(err)
	}
	l, err := gateway.Listen(b.Context(), "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := lockd.New(lockd.Cluster(g.Client, "lockd"), door, lockd.Config{})
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() {
		server.Drain(b.Context())
		_ = g.Close()
	})
	return l
}
