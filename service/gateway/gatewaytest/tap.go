package gatewaytest

import (
	"bytes"
	"net"
	"regexp"
	"sync"

	"github.com/nats-io/nats.go"
)

// Tap is what a connection goes through, and keeps what is sent: for tests of what a door
// tells the service. It is an option of the connection, nats.InProcessServer.
type Tap struct {
	to   nats.InProcessConnProvider
	mu   sync.Mutex
	sent bytes.Buffer
}

// NewTap returns a Tap to where another connection leads, which was made within the
// process.
func NewTap(like *nats.Conn) *Tap { return &Tap{to: like.Opts.InProcessServer} }

// InProcessConn makes a connection. It is what package nats connects by.
func (p *Tap) InProcessConn() (net.Conn, error) {
	conn, err := p.to.InProcessConn()
	return tapped{conn, p}, err
}

// Texts are those that were sent under a key, in MessagePack: such as are made of
// letters, digits and -.
func (p *Tap) Texts(key string) (all []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range regexp.MustCompile(key+`[^A-Za-z0-9-]{1,2}([A-Za-z0-9-]+)`).FindAllSubmatch(p.sent.Bytes(), -1) {
		all = append(all, string(m[1]))
	}
	return all
}

// tapped is one connection's.
type tapped struct {
	net.Conn
	by *Tap
}

// Write sends, and keeps what.
func (c tapped) Write(sent []byte) (int, error) {
	c.by.mu.Lock()
	c.by.sent.Write(sent)
	c.by.mu.Unlock()
	return c.Conn.Write(sent)
}
