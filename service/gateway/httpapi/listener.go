package httpapi

import (
	"crypto/tls"
	"net"
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
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if counted := l.door.Connect(); counted != nil {
			return &conn{c, counted}, nil
		}
		_ = c.Close() // nobody was served on it
	}
}

// conn is a connection that is counted.
type conn struct {
	net.Conn
	*gateway.Connection
}

// Close closes the connection.
func (c *conn) Close() error {
	c.Connection.Close()
	return c.Conn.Close()
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
