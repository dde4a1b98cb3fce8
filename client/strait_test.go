package client_test

import (
	"errors"
	"net"
	"sync"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client/clienttest"
)

// strait is what the connection of a client goes through, one way up to the
// server and one down. A way can be shut without either end's being told: what is
// sent into it waits there, as what TCP repeats, and comes out late when it is opened.
type strait struct {
	to nats.InProcessConnProvider

	mu      sync.Mutex
	changed sync.Cond
	shut    [2]bool // the ways up and down
	closed  bool    // no connection can be made
	over    bool    // the test ends
	conns   []net.Conn
}

// The ways.
const (
	up   = 0
	down = 1
)

var errClosed = errors.New("no way through")

// through returns a connection and what it goes through.
func through(s *clienttest.Server, options ...nats.Option) (*nats.Conn, *strait) {
	direct := s.Conn()
	defer direct.Close()
	w := &strait{to: direct.Opts.InProcessServer}
	w.changed.L = &w.mu
	return s.Conn(append(options, nats.InProcessServer(w))...), w
}

// InProcessConn makes a connection. It is what package nats connects by.
func (w *strait) InProcessConn() (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || w.over {
		return nil, errClosed
	}
	server, err := w.to.InProcessConn()
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	w.conns = append(w.conns, near, far, server)
	w.carry(up, far, server)
	w.carry(down, server, far)
	return near, nil
}

// close shuts ways, and lets connections be made, or not.
func (w *strait) close(up, down, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.shut, w.closed = [2]bool{up, down}, closed
	w.changed.Broadcast()
}

// open opens all.
func (w *strait) open() { w.close(false, false, false) }

// end ends all, with the test.
func (w *strait) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, c := range w.conns {
		_ = c.Close() // again, perhaps
	}
	w.changed.Broadcast()
}

// carry carries what comes from one end to the other, its close too.
func (w *strait) carry(way int, from, to net.Conn) {
	var chunks [][]byte
	eof := false
	took := func(b []byte, err error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		if len(b) > 0 {
			chunks = append(chunks, b)
		}
		eof = err != nil
		w.changed.Broadcast()
	}
	next := func() (b []byte) {
		w.mu.Lock()
		defer w.mu.Unlock()
		for !w.over && (w.shut[way] || len(chunks) == 0 && !eof) {
			w.changed.Wait()
		}
		if w.over || len(chunks) == 0 {
			return nil
		}
		b, chunks = chunks[0], chunks[1:]
		return b
	}
	go func() {
		for {
			b := make([]byte, 4096)
			n, err := from.Read(b)
			if took(b[:n], err); err != nil {
				return
			}
		}
	}()
	go func() {
		for b := next(); b != nil; b = next() {
			if _, err := to.Write(b); err != nil {
				break
			}
		}
		_ = to.Close() // as the other end has been, or this one
	}()
}
