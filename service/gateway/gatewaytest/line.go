package gatewaytest

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// Line is what a connection goes through, and can lose the answer to a request: for
// tests of what is asked again after it was done. It is an option of the connection,
// nats.InProcessServer.
type Line struct {
	to nats.InProcessConnProvider

	mu   sync.Mutex
	lose []byte        // what is sent with this has no answer; nil is nothing
	sent chan struct{} // closed then
	last *end
}

// NewLine returns a Line to where another connection leads, which was made within the
// process.
func NewLine(like *nats.Conn) *Line { return &Line{to: like.Opts.InProcessServer} }

// InProcessConn makes a connection. It is what package nats connects by.
func (l *Line) InProcessConn() (net.Conn, error) {
	conn, err := l.to.InProcessConn()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last = &end{Conn: conn, line: l}
	return l.last, nil
}

// LoseAnswer has the answer to the next request with this subject lost, and all that
// comes after it until Break. The channel is closed when it is being sent.
func (l *Line) LoseAnswer(subject string) (sent <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lose = []byte("PUB " + subject + " ") // also the end of HPUB
	l.sent = make(chan struct{})
	return l.sent
}

// Break ends the connection, which is made anew.
func (l *Line) Break() {
	l.mu.Lock()
	defer l.mu.Unlock()
	_ = l.last.Close() // twice, perhaps
}

// loses reports whether what is sent has the answer that is to be lost, once.
func (l *Line) loses(sent []byte) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.lose == nil || !bytes.Contains(sent, l.lose) {
		return false
	}
	l.lose = nil
	close(l.sent)
	return true
}

// end is one connection's.
type end struct {
	net.Conn
	line *Line
	deaf atomic.Bool
}

// Write sends, and hears nothing any more if that is to have no answer.
func (e *end) Write(p []byte) (int, error) {
	if e.line.loses(p) {
		e.deaf.Store(true)
	}
	return e.Conn.Write(p)
}

// Read returns what comes while it can be heard.
func (e *end) Read(p []byte) (int, error) {
	for {
		if n, err := e.Conn.Read(p); err != nil || !e.deaf.Load() {
			return n, err
		}
	}
}
