package socket

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// parseMessage reads a packet, also one whose end is missing.
func parseMessage(m engine.Message) (packet, error) {
	if m.Cut {
		return parseCut(m.Data)
	}
	return parse(m.Data)
}

// parseCut reads a packet whose end is missing, as one that is refused: of an event the
// name is left, and of anything else no payload.
func parseCut(text []byte) (packet, error) {
	p, err := parseUnchecked(text)
	if err != nil {
		return packet{}, err
	}
	switch p.kind {
	case kindEvent, kindBinaryEvent:
		p.payload, err = nameAlone(p.payload)
	case kindAck, kindBinaryAck:
		p.payload = json.RawMessage("[]")
	case kindConnect:
		p.payload = nil
	case kindDisconnect, kindConnectError: // have nothing that could be so large
		err = fmt.Errorf("%w: of type %c", ErrPacket, p.kind)
	}
	if err != nil {
		return packet{}, err
	}
	p.refused = engine.ErrTooLarge
	return p, p.check()
}

// nameAlone is the payload of an event without its arguments. A name that is cut, too, is
// one that no event has: it is left out.
func nameAlone(payload []byte) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(payload))
	if t, err := d.Token(); err != nil || t != json.Delim('[') {
		return nil, fmt.Errorf("%w: no event", ErrPacket)
	}
	begin := d.InputOffset()
	_, err := d.Token()
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return json.RawMessage(`[""]`), nil
	case err != nil:
		return nil, fmt.Errorf("%w: the name of an event: %w", ErrPacket, err)
	}
	return slices.Concat([]byte("["), payload[begin:d.InputOffset()], []byte("]")), nil
}
