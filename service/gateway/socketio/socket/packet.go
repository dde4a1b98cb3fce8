package socket

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// kind is the type of a packet, as it stands on the wire.
type kind byte

const (
	kindConnect      kind = '0'
	kindDisconnect   kind = '1'
	kindEvent        kind = '2'
	kindAck          kind = '3'
	kindConnectError kind = '4'
	kindBinaryEvent  kind = '5'
	kindBinaryAck    kind = '6'
)

// root is the namespace that stands for itself in a packet without any.
const root = "/"

// maxID is the largest number that JavaScript counts up to.
const maxID = 1<<53 - 1

// reserved are the events that clients make up themselves.
var reserved = []string{
	"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener",
}

// packet is the unit of the protocol, without its attachments.
type packet struct {
	kind        kind
	attachments int // that follow
	namespace   string
	id          uint64
	acked       bool // it has an id
	payload     json.RawMessage
	refused     error // why it is not to be acted upon
}

func (k kind) binary() bool { return k == kindBinaryEvent || k == kindBinaryAck }

// parse reads a packet.
func parse(text []byte) (packet, error) {
	p, err := parseUnchecked(text)
	if err != nil {
		return packet{}, err
	}
	return p, p.check()
}

// parseUnchecked reads a packet, whose JSON may be none:
//
//	<type>[<number of attachments>-][<namespace>,][<id>][<JSON>]
func parseUnchecked(text []byte) (packet, error) {
	if len(text) == 0 || text[0] < byte(kindConnect) || text[0] > byte(kindBinaryAck) {
		return packet{}, fmt.Errorf("%w: of no type", ErrPacket)
	}
	p := packet{kind: kind(text[0]), namespace: root}
	rest := string(text[1:])
	if p.kind.binary() {
		count, after, found := strings.Cut(rest, "-")
		n, ok := number(count)
		if !found || !ok {
			return packet{}, fmt.Errorf("%w: number of attachments", ErrPacket)
		}
		p.attachments, rest = int(n), after
	}
	if strings.HasPrefix(rest, root) {
		p.namespace, rest, _ = strings.Cut(rest, ",")
	}
	if digits := len(rest) - len(strings.TrimLeft(rest, "0123456789")); digits > 0 {
		if p.id, p.acked = number(rest[:digits]); !p.acked {
			return packet{}, fmt.Errorf("%w: id", ErrPacket)
		}
		rest = rest[digits:]
	}
	if rest != "" {
		p.payload = json.RawMessage(rest)
	}
	return p, nil
}

// number reads digits.
func number(digits string) (uint64, bool) {
	n, err := strconv.ParseUint(digits, 10, 64)
	return n, err == nil && n <= maxID && digits[0] != '+'
}

// check reports what is wrong with the packet of a client.
func (p packet) check() error {
	if p.payload != nil && (!utf8.Valid(p.payload) || !json.Valid(p.payload)) {
		return fmt.Errorf("%w: no JSON", ErrPacket)
	}
	first := byte(0)
	if text := strings.TrimLeft(string(p.payload), " \t\r\n"); text != "" {
		first = text[0]
	}
	ok := false
	switch p.kind {
	case kindConnect:
		ok = !p.acked && (first == 0 || first == '{')
	case kindDisconnect:
		ok = !p.acked && first == 0
	case kindEvent, kindBinaryEvent:
		ok = first == '['
	case kindAck, kindBinaryAck:
		ok = p.acked && first == '['
	case kindConnectError: // is for clients
	}
	if !ok {
		return fmt.Errorf("%w: of type %c", ErrPacket, p.kind)
	}
	return nil
}

// args returns the elements of the payload.
func (p packet) args() ([]json.RawMessage, error) {
	var args []json.RawMessage
	if err := json.Unmarshal(p.payload, &args); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPacket, err)
	}
	return args, nil
}

// event returns the name of an event, and what came: that name, and the arguments. A name
// may be a number.
func (p packet) event() (string, []json.RawMessage, error) {
	args, err := p.args()
	if err != nil {
		return "", nil, err
	}
	if len(args) == 0 {
		return "", nil, fmt.Errorf("%w: an event without a name", ErrPacket)
	}
	var name string
	var digits json.Number
	switch {
	case json.Unmarshal(args[0], &name) == nil && args[0][0] == '"':
	case json.Unmarshal(args[0], &digits) == nil && args[0][0] != 'n':
		name = digits.String()
	default:
		return "", nil, fmt.Errorf("%w: the name of an event", ErrPacket)
	}
	if slices.Contains(reserved, name) {
		return "", nil, fmt.Errorf("%w: the event %s", ErrPacket, name)
	}
	return name, args, nil
}

// encode returns the packet as it stands on the wire.
func (p packet) encode() []byte {
	return append(p.appendHead(nil), p.payload...)
}

// appendHead appends what is before the payload.
func (p packet) appendHead(to []byte) []byte {
	to = append(to, byte(p.kind))
	if p.kind.binary() {
		to = append(strconv.AppendInt(to, int64(p.attachments), 10), '-')
	}
	if p.namespace != root {
		to = append(append(to, p.namespace...), ',')
	}
	if p.acked {
		to = strconv.AppendUint(to, p.id, 10)
	}
	return to
}
