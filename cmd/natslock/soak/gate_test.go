//go:build linux

package soak

import (
	"net"
	"sync"
)

// gate is what connections to a server go through. It can be shut, which nobody is
// told: what was sent comes out when it is opened. And it can be broken, which both
// ends see.
type gate struct {
	addr     string // of the gate
	to       string // of the server
	listener net.Listener
	work     sync.WaitGroup

	mu     sync.Mutex
	opened sync.Cond
	shut   bool
	broken bool // no connection is let through
	conns  map[net.Conn]struct{}
}

func newGate(to string) (*gate, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	g := &gate{addr: l.Addr().String(), to: to, listener: l, conns: map[net.Conn]struct{}{}}
	g.opened.L = &g.mu
	g.work.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return // it is closed
			}
			g.work.Go(func() { g.pass(near) })
		}
	})
	return g, nil
}

// pass carries what comes over one connection, until it ends.
func (g *gate) pass(near net.Conn) {
	far, err := net.Dial("tcp", g.to)
	if err != nil || !g.keep(near, far) {
		_ = near.Close() // as there is no server
		if err == nil {
			_ = far.Close()
		}
		return
	}
	var ways sync.WaitGroup
	ways.Go(func() { g.carry(near, far) })
	ways.Go(func() { g.carry(far, near) })
	ways.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, near)
	delete(g.conns, far)
}

// keep notes the ends of a connection, unless there is to be none.
func (g *gate) keep(ends ...net.Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.broken {
		return false
	}
	for _, c := range ends {
		g.conns[c] = struct{}{}
	}
	return true
}

// carry carries one way, while the gate is open, and its end too.
func (g *gate) carry(from, to net.Conn) {
	b := make([]byte, 32<<10)
	for {
		n, err := from.Read(b)
		g.mu.Lock()
		for g.shut {
			g.opened.Wait()
		}
		g.mu.Unlock()
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_, _ = from.Close(), to.Close() // of one that has gone, perhaps
}

// set shuts the gate, or breaks it, or opens it again.
func (g *gate) set(shut, broken bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.shut, g.broken = shut, broken
	if broken {
		for c := range g.conns {
			_ = c.Close() // by the other end, perhaps
		}
	}
	g.opened.Broadcast()
}

// close ends all that goes through it.
func (g *gate) close() error {
	g.set(false, true)
	err := g.listener.Close()
	g.work.Wait()
	return err
}
