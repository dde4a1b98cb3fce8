package engine

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"unicode/utf8"
)

// kind is the type of a packet, as it stands on the wire.
type kind byte

const (
	kindOpen    kind = '0'
	kindClose   kind = '1'
	kindPing    kind = '2'
	kindPong    kind = '3'
	kindMessage kind = '4'
	kindUpgrade kind = '5'
	kindNoop    kind = '6'
)

// separator stands between the packets of a payload.
const separator = '\x1e'

// base64Mark begins a binary message in a payload.
const base64Mark = 'b'

// probe is what the ping and the pong of an upgrade carry.
const probe = "probe"

// Message is what the application sends and receives: text, which is UTF-8, or
// bytes. Its data must not be changed once it was sent.
type Message struct {
	Data   []byte
	Binary bool
	// Cut is whether the message of a client was larger than Config.MaxPayload. Of
	// text its data are then the beginning, and of bytes there are none.
	Cut bool
}

// packet is the unit of the protocol. Only messages are binary.
type packet struct {
	kind   kind
	data   []byte
	binary bool
	cut    bool // it was larger than what is kept
}

func (m Message) packet() packet { return packet{kind: kindMessage, data: m.Data, binary: m.Binary} }

func (p packet) message() Message { return Message{Data: p.data, Binary: p.binary, Cut: p.cut} }

// is reports whether the packet is of a kind and carries a text.
func (p packet) is(k kind, text string) bool { return p.kind == k && string(p.data) == text }

// parseText reads a packet that came as text.
func parseText(text []byte) (packet, error) {
	switch {
	case len(text) == 0:
		return packet{}, fmt.Errorf("%w: empty", ErrPacket)
	case text[0] < byte(kindOpen) || text[0] > byte(kindNoop):
		return packet{}, fmt.Errorf("%w: of no type", ErrPacket)
	case !utf8.Valid(text):
		return packet{}, fmt.Errorf("%w: no UTF-8", ErrPacket)
	}
	return packet{kind: kind(text[0]), data: text[1:]}, nil
}

// parsePolled reads a packet of a payload.
func parsePolled(text []byte) (packet, error) {
	if len(text) == 0 || text[0] != base64Mark {
		return parseText(text)
	}
	data := make([]byte, base64.StdEncoding.DecodedLen(len(text)-1))
	n, err := base64.StdEncoding.Decode(data, text[1:])
	if err != nil {
		return packet{}, fmt.Errorf("%w: %w", ErrPacket, err)
	}
	return packet{kind: kindMessage, data: data[:n], binary: true}, nil
}

// cutText reads the beginning of a packet that came as text.
func cutText(text []byte) (packet, error) {
	p, err := parseText(wholeRunes(text))
	p.cut = true
	return p, err
}

// wholeRunes is a text without the beginning of a character that is cut off.
func wholeRunes(text []byte) []byte {
	for i := len(text) - 1; i >= 0 && i >= len(text)-utf8.UTFMax; i-- {
		if utf8.RuneStart(text[i]) {
			if !utf8.FullRune(text[i:]) {
				return text[:i]
			}
			break
		}
	}
	return text
}

// cutBytes is a binary message of which nothing is kept.
var cutBytes = packet{kind: kindMessage, binary: true, cut: true}

// appendText appends the packet as it stands in a text frame.
func (p packet) appendText(to []byte) []byte {
	return append(append(to, byte(p.kind)), p.data...)
}

// appendPolled appends the packet as it stands in a payload.
func (p packet) appendPolled(to []byte) []byte {
	if p.binary {
		return base64.StdEncoding.AppendEncode(append(to, base64Mark), p.data)
	}
	return p.appendText(to)
}

// payload joins packets.
func payload(packets []packet) []byte {
	var joined []byte
	for i, p := range packets {
		if i > 0 {
			joined = append(joined, separator)
		}
		joined = p.appendPolled(joined)
	}
	return joined
}

// check reports why a message cannot be sent: a text that a payload could not
// carry.
func (m Message) check() error {
	if !m.Binary && (!utf8.Valid(m.Data) || bytes.IndexByte(m.Data, separator) >= 0) {
		return ErrText
	}
	return nil
}
