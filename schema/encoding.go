package schema

import (
	"fmt"
	"strings"
	"sync"
)

// Encoding is how a body is written.
type Encoding uint8

// The encodings of the protocol.
const (
	JSON Encoding = iota
	MessagePack
)

const (
	jsonType = "application/json"
	packType = "application/msgpack"
)

// ContentType is the value of the Content-Type header of such a body.
func (e Encoding) ContentType() string {
	if e == MessagePack {
		return packType
	}
	return jsonType
}

// Detect tells the encoding of a body: what its Content-Type says or, without
// one, MessagePack when it begins as a MessagePack map does. All else is JSON.
func Detect(contentType string, body []byte) Encoding {
	if contentType != "" {
		media, _, _ := strings.Cut(contentType, ";")
		if strings.EqualFold(strings.TrimSpace(media), packType) {
			return MessagePack
		}
		return JSON
	}
	if len(body) > 0 && (body[0]&0xf0 == packFixMap || body[0] == packMap16 || body[0] == packMap32) {
		return MessagePack
	}
	return JSON
}

// Message is a request, a Reply or an Event.
type Message interface {
	// fields names every field once, in the same order each time: to read it
	// or to write it is the codec's matter.
	fields(c *codec)
	// bound is the most bytes that its body may have.
	bound() int
}

var codecs = sync.Pool{New: func() any { return new(codec) }}

// usualBytes is what most messages take, encoded.
const usualBytes = 192

// Append appends the encoded message to dst. Zero fields are left out. It
// cannot fail as long as every Meta is one that ParseMeta, Merge or Decode
// returned; text that is not valid UTF-8 is mended with U+FFFD.
func Append(dst []byte, e Encoding, m Message) []byte {
	if dst == nil {
		dst = make([]byte, 0, usualBytes)
	}
	c := codecs.Get().(*codec)
	c.dst, c.packed = dst, e == MessagePack
	open := c.openObject()
	m.fields(c)
	c.closeObject(open)
	dst = c.dst
	c.release()
	return dst
}

// Decode reads a body into m, which must be zero; after an error it is
// unspecified. Nothing of body is kept. Its error is an *Error with
// StatusInvalid. It checks the body's form and types; Validate checks the rest.
func Decode(e Encoding, body []byte, m Message) error {
	if len(body) == 0 {
		return nil
	}
	if bound := m.bound(); len(body) > bound {
		return invalid("body", fmt.Sprintf("%d bytes, at most %d", len(body), bound))
	}
	c := codecs.Get().(*codec)
	defer c.release()
	c.reading, c.packed, c.body = true, e == MessagePack, body
	f := c.frame()
	f.naming = true
	m.fields(c)
	f.naming = false
	err := c.check(f)
	if err == nil {
		f.next = 0
		m.fields(c)
		err = c.err
	}
	if err != nil {
		return err.finish()
	}
	return nil
}

// check checks the whole body and notes its fields.
func (c *codec) check(f *frame) *Error {
	s := c.scanAt(0)
	s.space()
	if k := s.kind(); k != kindObject && k != kindBroken {
		return misfit(kindObject, k)
	}
	if err := s.value(0, f); err != nil {
		return err
	}
	s.space()
	if n := len(s.body) - s.at; n > 0 {
		return fault(fmt.Sprintf("%d bytes after its end", n))
	}
	return nil
}

// release gives the codec back. It keeps no memory of its user's.
func (c *codec) release() {
	c.dst, c.body, c.err = nil, nil, nil
	c.reading, c.level, c.objects = false, 0, 0
	c.frames[0].clear()
	codecs.Put(c)
}
