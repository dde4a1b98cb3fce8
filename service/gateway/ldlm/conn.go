package ldlm

import (
	"context"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/stats"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/service/gateway"
)

// conn is a connection, which is a session.
type conn struct {
	server  *Server
	address string
	limit   *gateway.Connection
	cut     func() // closes it

	opening sync.Mutex   // while leaf is being opened
	leaf    *client.Leaf // nil: nothing was locked yet
	ended   bool
}

// session is the leaf's, which the first who asks for a lock opens.
func (c *conn) session(ctx context.Context) (string, error) {
	c.opening.Lock()
	defer c.opening.Unlock()
	if c.ended {
		return "", errLost
	}
	if c.leaf == nil {
		leaf, err := c.server.gateway.OpenLeaf(ctx, "")
		if err != nil {
			return "", err
		}
		c.leaf = leaf
		context.AfterFunc(leaf.Context(), c.cut) // who has lost its locks must learn of it
	}
	return c.leaf.Session(), nil
}

// leaveTimeout is how long a session's end may take in the foreground.
const leaveTimeout = time.Second

// end releases what the connection holds.
func (c *conn) end() {
	c.opening.Lock()
	defer c.opening.Unlock()
	c.ended = true
	if c.leaf == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	if err := c.leaf.Leave(ctx); err != nil {
		c.server.config.Logger.Debug("ldlm: a session's end goes on in the background", "err", err)
	}
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
		c := &conn{server: l.server, address: nc.RemoteAddr().String(), limit: limit}
		c.cut = func() { _ = nc.Close() } // it may be closed already
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

// HandleRPC does nothing.
func (watcher) HandleRPC(context.Context, stats.RPCStats) {}
