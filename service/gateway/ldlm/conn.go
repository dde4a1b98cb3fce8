package ldlm

import (
	"context"
	"net"
	"sync"

	"google.golang.org/grpc/stats"

	"github.com/natslock/natslock/service/gateway"
)

// conn is a connection, which is a session.
type conn struct {
	session
	limit   *gateway.Connection
	frames  frames // of the client
	written frames // to it
	streams streams
}

// conns are the connections that are open, by their addresses.
type conns struct {
	mu   sync.Mutex
	open map[string]*conn
}

func (cs *conns) enter(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open == nil {
		cs.open = map[string]*conn{}
	}
	cs.open[c.address] = c
}

func (cs *conns) exit(c *conn) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if cs.open[c.address] == c {
		delete(cs.open, c.address)
	}
}

func (cs *conns) at(address string) *conn {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return cs.open[address]
}

// listener counts the connections that it accepts.
type listener struct {
	net.Listener
	server *Server
}

// Accept returns the next connection that is let in.
func (l listener) Accept() (net.Conn, error) {
	for {
		nc, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		limit := l.server.door.Connect()
		if limit == nil {
			_ = nc.Close() // it may be closed already
			continue
		}
		c := &conn{limit: limit, session: session{
			server: l.server, address: nc.RemoteAddr().String(),
			lost: func() { _ = nc.Close() }, // it may be closed already
		}}
		c.frames.seen = c.streams.read
		c.written.seen, c.written.begun = c.streams.written, len(preface) // which only clients send
		l.server.conns.enter(c)
		return &countedConn{Conn: nc, conn: c}, nil
	}
}

// countedConn is a connection of a listener.
type countedConn struct {
	net.Conn
	conn *conn
	once sync.Once
}

// Close closes the connection: its session ends.
func (c *countedConn) Close() error {
	err := c.Conn.Close()
	c.once.Do(func() {
		c.conn.server.conns.exit(c.conn)
		c.conn.limit.Close()
		c.conn.server.leaving.Go(c.conn.end)
	})
	return err
}

// connKey is where the context of a call has its connection.
type connKey struct{}

func connOf(ctx context.Context) *conn { return ctx.Value(connKey{}).(*conn) }

// watcher tells calls by which connection they come.
type watcher struct{ server *Server }

// TagConn takes note of the connection.
func (w watcher) TagConn(ctx context.Context, info *stats.ConnTagInfo) context.Context {
	return context.WithValue(ctx, connKey{}, w.server.conns.at(info.RemoteAddr.String()))
}

// HandleConn does nothing: the listener sees the end of a connection.
func (watcher) HandleConn(context.Context, stats.ConnStats) {}

// TagRPC does nothing.
func (watcher) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context { return ctx }
