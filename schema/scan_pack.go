package schema

import (
	"fmt"
	"math"
	"unicode/utf8"
)

// header is the beginning of a MessagePack value.
type header struct {
	kind  kind
	size  int // bytes after start, or elements of a list or object
	start int // where what follows the header begins
}

// header reads the header here. If it claims more than the body holds, its
// kind is broken, so that no claim is believed that costs memory or time.
func (s *scan) header() header {
	rest := s.body[s.at:]
	if len(rest) == 0 {
		return header{}
	}
	width, size := packLayout(rest[0])
	if len(rest) <= width {
		return header{}
	}
	for _, c := range rest[1 : 1+width] {
		size = size<<8 | uint64(c)
	}
	k := packKind(rest[0])
	need := size
	switch k {
	case kindObject:
		need = 2 * size
	case kindExtension:
		need = size + 1 // its type
		size = need
	}
	if need > uint64(len(rest)-1-width) {
		return header{}
	}
	return header{kind: k, size: int(size), start: s.at + 1 + width}
}

func (s *scan) packValue(depth int, f *frame) *Error {
	h := s.header()
	switch h.kind {
	case kindBroken:
		return s.brokenPack()
	case kindObject:
		s.at = h.start
		return s.checkPackObject(depth+1, h.size, f)
	case kindList:
		s.at = h.start
		for i := range h.size {
			if err := s.value(depth+1, nil); err != nil {
				return err.within(fmt.Sprintf("[%d]", i))
			}
		}
		return nil
	case kindText:
		if !utf8.Valid(s.body[h.start : h.start+h.size]) {
			return fault(notUTF8)
		}
	}
	s.at = h.start + h.size
	return nil
}

func (s *scan) brokenPack() *Error {
	return fault(fmt.Sprintf("broken MessagePack at byte %d: ends early or claims more than there is", s.at))
}

func (s *scan) checkPackObject(depth, size int, f *frame) *Error {
	for range size {
		h := s.header()
		switch {
		case h.kind == kindBroken:
			return s.brokenPack()
		case h.kind != kindText:
			return fault("a key is " + h.kind.String() + ", want a string")
		}
		key, field := s.body[h.start:h.start+h.size], -1
		if !utf8.Valid(key) {
			return fault("a key is " + notUTF8)
		}
		s.at = h.start + h.size
		if f != nil {
			field = f.find(key)
		}
		if err := s.note(depth, f, field); err != nil {
			return err
		}
	}
	return nil
}

// packText reads the text here, which has been checked.
func (s *scan) packText() string {
	h := s.header()
	s.at = h.start + h.size
	return string(s.body[h.start:s.at])
}

// packNumber reads the number here, which has been checked.
func (s *scan) packNumber() number {
	h := s.header()
	c := s.body[s.at]
	var bits uint64
	for _, b := range s.body[h.start : h.start+h.size] {
		bits = bits<<8 | uint64(b)
	}
	s.at = h.start + h.size
	switch c {
	case packFloat32:
		return fromFloat(float64(math.Float32frombits(uint32(bits))))
	case packFloat64:
		return fromFloat(math.Float64frombits(bits))
	case packUint8, packUint16, packUint32, packUint64:
		return number{size: bits, whole: true}
	case packInt8:
		return fromInt(int64(int8(bits)))
	case packInt16:
		return fromInt(int64(int16(bits)))
	case packInt32:
		return fromInt(int64(int32(bits)))
	case packInt64:
		return fromInt(int64(bits))
	}
	return fromInt(int64(int8(c)))
}
