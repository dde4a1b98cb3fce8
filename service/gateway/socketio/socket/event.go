package socket

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// Event is an event of the client.
type Event struct {
	Data
	// Name is the name of the event.
	Name string

	written json.RawMessage // the name, as it came
	socket  *Socket
	id      uint64
	asked   bool
	acked   atomic.Bool
}

// Socket returns the socket that the event came by.
func (e *Event) Socket() *Socket { return e.socket }

// Asked reports whether the client waits for an acknowledgement.
func (e *Event) Asked() bool { return e.asked }

// Ack acknowledges the event, once: the error is ErrAcked at a second try, and
// ErrNoAck when the client has not asked. It may be called from any goroutine, also
// after the handler has returned.
func (e *Event) Ack(args ...any) error {
	if !e.asked {
		return ErrNoAck
	}
	messages, err := message(packet{kind: kindAck, namespace: e.socket.namespace, id: e.id, acked: true}, args)
	if err != nil {
		return err
	}
	if e.acked.Swap(true) {
		return ErrAcked
	}
	return e.socket.send(messages)
}

// Answer emits an event of the same name, and acknowledges with the same arguments if
// the client has asked and was not answered yet. Both are sent or none is.
func (e *Event) Answer(args ...any) error {
	messages, err := e.answer(args)
	if err != nil {
		return err
	}
	return e.socket.send(messages)
}

// AnswerInTurn is Answer, but waits for a client that has much to read yet, instead of
// cutting it off. It is not for handlers: while they wait, nothing is read from the
// client.
func (e *Event) AnswerInTurn(ctx context.Context, args ...any) error {
	messages, err := e.answer(args)
	if err != nil {
		return err
	}
	for {
		later, err := e.socket.trySend(messages)
		if later == nil {
			return err
		}
		select {
		case <-later:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// answer is what an answer sends.
func (e *Event) answer(args []any) ([]engine.Message, error) {
	messages := e.inOneGo(args)
	if messages == nil {
		said, err := Encode(e.socket.namespace, e.Name, args...)
		if err != nil {
			return nil, err
		}
		messages = said.messages
	}
	if e.asked && !e.acked.Swap(true) {
		acked, err := message(packet{kind: kindAck, namespace: e.socket.namespace, id: e.id, acked: true}, args)
		if err != nil {
			return nil, err
		}
		messages = append(messages, acked...)
	}
	return messages, nil
}

// inOneGo writes an event of the same name whose arguments are all Text, or returns nil.
func (e *Event) inOneGo(args []any) []engine.Message {
	if len(e.written) != len(e.Name)+len(`""`) {
		return nil // it has escapes, or is a number
	}
	size := len(e.socket.namespace) + len(e.written) + len("2/,[]")
	for _, arg := range args {
		text, ok := arg.(Text)
		if !ok {
			return nil
		}
		size += len(",") + len(text)
	}
	head := packet{kind: kindEvent, namespace: e.socket.namespace}
	to := append(head.appendHead(make([]byte, 0, size)), '[')
	to = append(to, e.written...)
	for _, arg := range args {
		to = append(append(to, ','), arg.(Text)...)
	}
	return []engine.Message{{Data: append(to, ']')}}
}

// handle calls the handler of an event.
func (s *Socket) handle(e *Event) {
	handle := s.begin(e.Name)
	if handle == nil {
		return
	}
	defer s.busy.Done()
	handle(e)
}

// begin returns the handler of an event, if there is one. The socket is busy until
// it has returned.
func (s *Socket) begin(event string) func(*Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	handle := s.handlers[event]
	if handle == nil {
		handle = s.other
	}
	if handle == nil || s.state != connected {
		return nil
	}
	s.busy.Add(1)
	return handle
}

// EmitAck sends an event and waits for its acknowledgement, until ctx ends or the
// socket disconnects. The error is ErrBusy when Config.MaxAcks are waited for. It must
// not be called by a handler, since the acknowledgement is read after that returns.
func (s *Socket) EmitAck(ctx context.Context, name string, args ...any) (Data, error) {
	if slices.Contains(reserved, name) {
		return Data{}, fmt.Errorf("%w: %s", ErrReserved, name)
	}
	id, answer, err := s.ask()
	if err != nil {
		return Data{}, err
	}
	defer s.forget(id)
	messages, err := message(packet{kind: kindEvent, namespace: s.namespace, id: id, acked: true}, event(name, args))
	if err != nil {
		return Data{}, err
	}
	if err := s.send(messages); err != nil {
		return Data{}, err
	}
	select {
	case data := <-answer:
		return data, data.Err
	case <-ctx.Done():
		return Data{}, fmt.Errorf("socket: acknowledgement of %s: %w", name, ctx.Err())
	case <-s.ctx.Done():
		return Data{}, context.Cause(s.ctx)
	}
}

// ask returns the id of an acknowledgement to come, and where it comes.
func (s *Socket) ask() (uint64, chan Data, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.acks) >= s.conn.server.config.MaxAcks {
		return 0, nil, ErrBusy
	}
	id, answer := s.lastAck, make(chan Data, 1)
	s.lastAck++
	s.acks[id] = answer
	return id, answer, nil
}

func (s *Socket) forget(id uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.acks, id)
}

// acknowledged is an acknowledgement. One that nobody waits for is ignored.
func (s *Socket) acknowledged(id uint64, data Data) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if answer := s.acks[id]; answer != nil {
		delete(s.acks, id)
		answer <- data
	}
}
