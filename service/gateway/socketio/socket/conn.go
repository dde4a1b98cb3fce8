package socket

import (
	"encoding/json"
	"errors"
	"sync"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// conn is a connection of a client, with a socket for each namespace. It is the
// receiver of its session: what that calls is called one at a time.
type conn struct {
	server    *Server
	session   *engine.Session
	assembler assembler
	running   sync.WaitGroup // what Closed waits for

	mu       sync.Mutex
	sockets  map[string]*Socket // guarded by mu, nil for one that has disconnected
	live     int                // guarded by mu: those that are not nil
	ended    bool               // guarded by mu
	nobody   alarm              // guarded by mu: while there is no socket
	unfolded alarm              // while attachments are to come
}

// accept begins a connection.
func (s *Server) accept(session *engine.Session) engine.Receiver {
	c := &conn{
		server: s, session: session,
		assembler: assembler{most: s.config.MaxAttachments},
		sockets:   map[string]*Socket{},
	}
	c.nobody = alarm{running: &c.running, ring: func() { session.Close(ErrConnectTimeout) }}
	c.unfolded = alarm{running: &c.running, ring: func() { session.Abort(ErrPacket) }}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.nobody.set(s.config.ConnectTimeout)
	return c
}

// Message is a packet, or a part of one.
func (c *conn) Message(m engine.Message) {
	p, attachments, complete, err := c.assembler.add(m)
	switch {
	case err != nil:
	case complete:
		c.unfolded.stop()
		err = c.handle(p, attachments)
	case !m.Binary:
		c.unfolded.set(c.server.config.AttachmentTimeout)
	}
	if err != nil {
		c.session.Abort(err)
	}
}

// Closed is the end of the connection.
func (c *conn) Closed(reason error) {
	c.unfolded.stop()
	c.mu.Lock()
	c.ended = true
	c.nobody.stop()
	var sockets []*Socket
	for name, s := range c.sockets {
		if s != nil {
			sockets = append(sockets, s)
		}
		c.sockets[name] = nil
	}
	c.mu.Unlock()
	for _, s := range sockets {
		s.end(&Disconnected{Reason: reasonOf(reason), Err: reason})
	}
	c.running.Wait()
}

// handle takes a packet. An error ends the connection.
func (c *conn) handle(p packet, attachments [][]byte) error {
	c.mu.Lock()
	s, known := c.sockets[p.namespace]
	c.mu.Unlock()
	switch {
	case p.kind == kindConnect && s != nil:
		return ErrPacket
	case p.kind == kindConnect:
		return c.connect(p)
	case !known:
		return ErrNotConnected
	case s == nil: // the client does not know yet, or has just left
		return nil
	}
	switch p.kind {
	case kindDisconnect:
		c.forget(s)
		s.end(&Disconnected{Reason: ReasonClient})
	case kindEvent, kindBinaryEvent:
		name, came, err := p.event()
		if err != nil {
			return err
		}
		data := Data{Args: came[1:], Err: p.refused, attachments: attachments}
		s.handle(&Event{Data: data, Name: name, written: came[0], socket: s, id: p.id, asked: p.acked})
	case kindAck, kindBinaryAck:
		args, err := p.args()
		if err != nil {
			return err
		}
		s.acknowledged(p.id, Data{Args: args, Err: p.refused, attachments: attachments})
	default:
		return ErrPacket
	}
	return nil
}

// connect connects the client to a namespace, or refuses it.
func (c *conn) connect(p packet) error {
	connect := c.server.config.Namespaces[p.namespace]
	c.mu.Lock()
	full := c.live >= c.server.config.MaxNamespaces
	c.mu.Unlock()
	switch {
	case connect == nil:
		return c.refuse(p.namespace, refusedNamespace)
	case p.refused != nil:
		return c.refuse(p.namespace, refusedTooLarge)
	case full:
		return c.refuse(p.namespace, refusedNamespaces)
	}
	s := newSocket(c, p)
	if err := connect(s); err != nil {
		s.end(&Disconnected{Reason: ReasonServer, Err: err})
		return c.refuse(p.namespace, err)
	}
	c.mu.Lock()
	c.sockets[p.namespace] = s
	c.live++
	c.nobody.stop()
	c.mu.Unlock()
	err := s.connected()
	if err != nil && c.session.Context().Err() == nil { // Connect has disconnected it
		c.forget(s)
		return c.refuse(p.namespace, err)
	}
	return err
}

func (c *conn) refuse(namespace string, err error) error {
	refusal := refusedInternally
	if !errors.As(err, &refusal) {
		refusal = refusedInternally
	}
	payload, err := marshal(refusal)
	if err != nil {
		payload = json.RawMessage(`{"message":"Refused"}`)
	}
	return c.send(packet{kind: kindConnectError, namespace: namespace, payload: payload})
}

func (c *conn) send(p packet) error { return c.session.Send(engine.Message{Data: p.encode()}) }

// forget is a socket that disconnects. It reports whether it was the last.
func (c *conn) forget(s *Socket) (last bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sockets[s.namespace] != s {
		return false
	}
	c.sockets[s.namespace] = nil
	if c.live--; c.live > 0 || c.ended {
		return false
	}
	c.nobody.set(c.server.config.ConnectTimeout)
	return true
}
