package socket

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"sync"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// state is how far the life of a socket has come.
type state int

const (
	connecting state = iota
	connected
	disconnected
)

// Socket is a client that is connected to a namespace. Its methods may be called
// from any goroutine.
type Socket struct {
	id        string
	namespace string
	auth      json.RawMessage
	conn      *conn
	ctx       context.Context
	cancel    context.CancelCauseFunc
	busy      sync.WaitGroup // with what runs and what handles

	mu       sync.Mutex
	state    state                   // guarded by mu, as are all below
	early    []engine.Message        // emitted before it was connected
	handlers map[string]func(*Event) // by event
	other    func(*Event)
	gone     []func(Reason)
	running  int // functions of Go
	acks     map[uint64]chan Data
	lastAck  uint64
}

func newSocket(c *conn, p packet) *Socket {
	s := &Socket{
		id: newID(), namespace: p.namespace, auth: p.payload, conn: c,
		handlers: map[string]func(*Event){}, acks: map[uint64]chan Data{},
	}
	if s.auth == nil {
		s.auth = json.RawMessage("{}")
	}
	s.ctx, s.cancel = context.WithCancelCause(context.Background())
	return s
}

func newID() string {
	var random [15]byte
	_, _ = rand.Read(random[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(random[:])
}

// ID returns the id of the socket, which its client knows, too. It is another at
// each connect.
func (s *Socket) ID() string { return s.id }

// Namespace returns the namespace.
func (s *Socket) Namespace() string { return s.namespace }

// Auth returns what the client has sent to be known by, "{}" if it has not.
func (s *Socket) Auth() json.RawMessage { return s.auth }

// Handshake returns the request that the connection began with.
func (s *Socket) Handshake() engine.Handshake { return s.conn.session.Handshake() }

// Context is canceled when the socket disconnects. Its cause is a *Disconnected.
func (s *Socket) Context() context.Context { return s.ctx }

// On sets what handles an event. Handlers of a connection are called one at a time,
// in the order of the events, and nothing is read from the client until they return:
// what takes long is for Go.
func (s *Socket) On(event string, handle func(*Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handlers[event] = handle
}

// OnOther sets what handles the events that nothing else handles. Without it they
// are ignored.
func (s *Socket) OnOther(handle func(*Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.other = handle
}

// OnDisconnect adds a function that is called once the socket has disconnected, and
// all its handlers and all that Go began have returned. It is not called when the
// client was refused.
func (s *Socket) OnDisconnect(gone func(Reason)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = append(s.gone, gone)
}

// Go runs a function that takes long. Its context is that of the socket, and when
// that ends the function must return. The error is ErrBusy when Config.MaxRunning of
// them run, and that of the context when the socket has disconnected.
func (s *Socket) Go(run func(context.Context)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == disconnected:
		return context.Cause(s.ctx)
	case s.running >= s.conn.server.config.MaxRunning:
		return ErrBusy
	}
	s.running++
	s.busy.Go(func() {
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.running--
		}()
		run(s.ctx)
	})
	return nil
}

// Emit sends an event. Arguments are encoded as JSON, those of type Binary are sent
// as they are.
func (s *Socket) Emit(name string, args ...any) error {
	e, err := Encode(s.namespace, name, args...)
	if err != nil {
		return err
	}
	return s.EmitEncoded(e)
}

// EmitEncoded sends an event that was encoded for the namespace of the socket.
func (s *Socket) EmitEncoded(e Encoded) error {
	if e.namespace != s.namespace {
		return fmt.Errorf("%w: %s", ErrNamespace, e.namespace)
	}
	return s.send(e.messages)
}

// Disconnect disconnects the client, which is told so and does not come back by
// itself. What was emitted before still reaches it. With its last socket the
// connection ends.
func (s *Socket) Disconnect() {
	if s.disconnecting() && s.conn.forget(s) {
		s.conn.session.Close(ErrKicked)
	}
}

// disconnecting tells the client. It reports whether the socket was connected.
func (s *Socket) disconnecting() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was := s.state
	if was == connected {
		_ = s.conn.send(packet{kind: kindDisconnect, namespace: s.namespace}) // the client is gone, too
	}
	s.endLocked(&Disconnected{Reason: ReasonServer})
	return was == connected
}

// send queues messages for the client, after the answer to its connect.
func (s *Socket) send(messages []engine.Message) error {
	_, err := s.sendBy(messages, func(messages ...engine.Message) (<-chan struct{}, error) {
		return nil, s.conn.session.Send(messages...)
	})
	return err
}

// trySend is send, but if too much waits for the client it returns what is closed when
// it may be tried again. It writes, too, unless somebody does so already.
func (s *Socket) trySend(messages []engine.Message) (later <-chan struct{}, err error) {
	write := false
	later, err = s.sendBy(messages, func(messages ...engine.Message) (<-chan struct{}, error) {
		later, mine, err := s.conn.session.TrySend(messages...)
		write = mine
		return later, err
	})
	if write {
		s.conn.session.Write()
	}
	return later, err
}

func (s *Socket) sendBy(messages []engine.Message, send func(...engine.Message) (<-chan struct{}, error)) (<-chan struct{}, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.state {
	case connecting:
		s.early = append(s.early, messages...)
		return nil, nil
	case disconnected:
		return nil, context.Cause(s.ctx)
	case connected:
	}
	return send(messages...)
}

// connected answers the connect of the client.
func (s *Socket) connected() error {
	payload, err := marshal(map[string]string{"sid": s.id})
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	answer := packet{kind: kindConnect, namespace: s.namespace, payload: payload}
	messages := append([]engine.Message{{Data: answer.encode()}}, s.early...)
	s.early = nil
	if s.state == disconnected {
		return context.Cause(s.ctx)
	}
	s.state = connected
	return s.conn.session.Send(messages...)
}

// end ends the socket.
func (s *Socket) end(why *Disconnected) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(why)
}

// endLocked ends the socket, and calls those who want to know once nothing of it
// runs any more.
func (s *Socket) endLocked(why *Disconnected) {
	if s.state == disconnected {
		return
	}
	refused := s.state == connecting
	s.state = disconnected
	s.cancel(why)
	s.conn.running.Go(func() {
		s.busy.Wait()
		if refused {
			return
		}
		s.mu.Lock()
		gone := s.gone
		s.mu.Unlock()
		for _, tell := range gone {
			tell(why.Reason)
		}
	})
}
