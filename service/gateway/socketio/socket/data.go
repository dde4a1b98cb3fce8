package socket

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// Binary is an argument of bytes. It is sent as an attachment.
type Binary []byte

// Text is an argument that its sender has written as JSON, and knows to be valid: a
// json.RawMessage is looked through before it is sent, as it may be what a client sent.
type Text []byte

// Data is what an event or an acknowledgement carries.
type Data struct {
	// Args are the arguments as they came, in JSON.
	Args []json.RawMessage
	// Err is why they are not to be acted upon: they are not there, because the
	// packet was larger than engine.Config.MaxPayload (engine.ErrTooLarge), or
	// have had bytes in them that were not kept (ErrAttachments). The connection
	// goes on, and it is for the handler of an event to say so to the client.
	Err         error
	attachments [][]byte
}

// Decode reads an argument into a value, as json.Unmarshal does. One that is
// missing is an error, and so is Err.
func (d Data) Decode(i int, to any) error {
	if d.Err != nil {
		return d.Err
	}
	if i < 0 || i >= len(d.Args) {
		return fmt.Errorf("socket: no argument %d", i)
	}
	if err := json.Unmarshal(d.Args[i], to); err != nil {
		return fmt.Errorf("socket: argument %d: %w", i, err)
	}
	return nil
}

// Binary returns an argument that is bytes.
func (d Data) Binary(i int) (Binary, bool) {
	var p placeholder
	if len(d.attachments) == 0 || d.Decode(i, &p) != nil || !p.Placeholder || p.Num < 0 || p.Num >= len(d.attachments) {
		return nil, false
	}
	return d.attachments[p.Num], true
}

// placeholder stands for an attachment.
type placeholder struct {
	Placeholder bool `json:"_placeholder"`
	Num         int  `json:"num"`
}

// message makes a packet of arguments, with its attachments behind it.
func message(p packet, args []any) ([]engine.Message, error) {
	var attachments []engine.Message
	joined := []byte{'['}
	for i, arg := range args {
		if bytes, ok := arg.(Binary); ok {
			arg = placeholder{Placeholder: true, Num: len(attachments)}
			attachments = append(attachments, engine.Message{Data: bytes, Binary: true})
		}
		if i > 0 {
			joined = append(joined, ',')
		}
		text, known := arg.(Text)
		if !known {
			var err error
			if text, err = marshal(arg); err != nil {
				return nil, fmt.Errorf("socket: argument %d: %w", i, err)
			}
		}
		joined = append(joined, text...)
	}
	p.payload = append(joined, ']')
	if p.attachments = len(attachments); p.attachments > 0 {
		p.kind = map[kind]kind{kindEvent: kindBinaryEvent, kindAck: kindBinaryAck}[p.kind]
	}
	return append([]engine.Message{{Data: p.encode()}}, attachments...), nil
}

// marshal encodes as JavaScript does, which leaves <, > and & as they are. What is
// JSON already is not changed.
func marshal(value any) ([]byte, error) {
	if raw, ok := value.(json.RawMessage); ok && raw != nil {
		if !json.Valid(raw) {
			return nil, fmt.Errorf("no JSON: %.100q", raw)
		}
		return raw, nil
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

// Encoded is an event that is encoded once, to be emitted to many sockets of one
// namespace.
type Encoded struct {
	namespace string
	messages  []engine.Message
}

// Encode encodes an event.
func Encode(namespace, name string, args ...any) (Encoded, error) {
	if slices.Contains(reserved, name) {
		return Encoded{}, fmt.Errorf("%w: %s", ErrReserved, name)
	}
	messages, err := message(packet{kind: kindEvent, namespace: namespace}, event(name, args))
	return Encoded{namespace: namespace, messages: messages}, err
}

func event(name string, args []any) []any { return append([]any{name}, args...) }
