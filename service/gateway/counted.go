package gateway

import "net"

// Counted is a connection that a door has let in. It is counted until it is closed.
type Counted struct {
	net.Conn
	*Connection
}

// Close closes the connection.
func (c *Counted) Close() error {
	c.Connection.Close()
	return c.Conn.Close()
}

// Accept returns the next connection of a listener that is let in. Errors: those of the
// listener.
func (d *Door) Accept(l net.Listener) (*Counted, error) {
	for {
		c, err := l.Accept()
		if err != nil {
			return nil, err
		}
		if counted := d.Connect(); counted != nil {
			return &Counted{c, counted}, nil
		}
		_ = c.Close() // nobody was served on it
	}
}
