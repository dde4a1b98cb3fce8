package clienttest

import (
	"errors"
	"net"
	"sync"

	"github.com/nats-io/nats.go"
)

// Cable is what one connection to the Server goes through, and can be cut: for
// tests of what becomes of locks then.
type Cable struct {
	to nats.InProcessConnProvider

	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

// errCut is why a connection cannot be made.
var errCut = errors.New("the cable is cut")

// Cable returns a new connection with the rights of a caller, and what it goes
// through. It tries to reconnect for as long as the test lasts.
func (s *Server) Cable(options ...nats.Option) (*nats.Conn, *Cable) {
	s.t.Helper()
	direct := s.Conn()
	defer direct.Close()
	c := &Cable{to: direct.Opts.InProcessServer}
	return s.Conn(append(options, nats.InProcessServer(c))...), c
}

// InProcessConn makes a connection, unless the cable is cut. It is what package nats
// connects by.
func (c *Cable) InProcessConn() (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, errCut
	}
	conn, err := c.to.InProcessConn()
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

// Cut closes the connection, which both ends see at once, and keeps it from being
// made anew until Mend.
func (c *Cable) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	for _, conn := range c.conns {
		_ = conn.Close() // of an earlier one, again
	}
	c.conns = nil
}

// Mend lets the connection be made anew. It does nothing when nothing is cut.
func (c *Cable) Mend() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = false
}
