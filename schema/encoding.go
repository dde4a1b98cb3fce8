package schema

// Encoding is how a body is written.
type Encoding uint8

// The encodings of the protocol.
const (
	JSON Encoding = iota
	MessagePack
)

// ContentType is the value of the Content-Type header of such a body.
func (e Encoding) ContentType() string {
	if e == MessagePack {
		return "application/msgpack"
	}
	return "application/json"
}

// Detect tells the encoding of a body: what its Content-Type says or, without
// one, MessagePack when it begins as a MessagePack map does.
func Detect(contentType string, body []byte) Encoding {
	return JSON
}

// Message is a request, a Reply or an Event.
type Message interface {
	fields(c *codec)
}

// Append appends the encoded message to dst. Zero fields are left out.
func Append(dst []byte, e Encoding, m Message) []byte {
	return dst
}

// Decode reads a body into m, which should be zero. Its error is an *Error.
func Decode(e Encoding, body []byte, m Message) error {
	return nil
}
