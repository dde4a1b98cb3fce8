package httpapi

import (
	"crypto/tls"
	"net"
	"sync/atomic"
	"syscall"

	"github.com/natslock/natslock/service/gateway"
)

// listener counts connections.
type listener struct {
	net.Listener
	door *gateway.Door
}

// Accept returns the next connection that is let in.
func (l *listener) Accept() (net.Conn, error) {
	c, err := l.door.Accept(l.Listener)
	if err != nil {
		return nil, err
	}
	return &conn{Counted: c}, nil
}

// conn is a connection that is counted.
type conn struct {
	*gateway.Counted
	serving atomic.Int32 // requests that have come to the handler
}

// Write writes what is answered. What net/http answers by itself becomes an answer of the
// protocol; but for TLS, where it is not seen here.
func (c *conn) Write(b []byte) (int, error) {
	if c.serving.Load() == 0 {
		if answer, ok := refusal(b); ok {
			if _, err := c.Conn.Write(answer); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	}
	return c.Conn.Write(b)
}

// hungUp tells whether the caller is seen to be gone.
func (c *conn) hungUp() bool {
	raw, ok := c.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	control, err := raw.SyscallConn()
	return err != nil || ended(control)
}

// connKey is the key of a request's connection in its context.
type connKey struct{}

// connectionOf is the connection that the listener has accepted.
func connectionOf(c net.Conn) *conn {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return c.(*conn)
}
