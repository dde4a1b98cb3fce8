package objecthash

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// kind is what a value is.
type kind int

const (
	kindNull kind = iota
	kindBool
	kindNumber
	kindString
	kindArray
	kindObject
)

// value is a JSON value as JavaScript has it: numbers are floats, texts are UTF-16,
// which may have half a pair, and an array or object is itself and no other.
type value struct {
	kind     kind
	truth    bool
	number   float64
	text     []uint16
	elements []*value
	members  []member // in the order in which they came, repeated ones too
	place    int      // among those that were met
}

// member is a member of an object.
type member struct {
	name  []uint16
	value *value
}

// sorted returns the members by name, of those that are repeated the last.
func (v *value) sorted() []member {
	members := slices.Clone(v.members)
	slices.Reverse(members)
	slices.SortStableFunc(members, func(a, b member) int { return slices.Compare(a.name, b.name) })
	return slices.CompactFunc(members, func(a, b member) bool { return slices.Equal(a.name, b.name) })
}

// own returns a member by its name, or nil.
func (v *value) own(name string) *value {
	units := utf16.Encode([]rune(name))
	for _, m := range slices.Backward(v.members) {
		if slices.Equal(m.name, units) {
			return m.value
		}
	}
	return nil
}

// parser reads JSON that is known to be valid.
type parser struct{ rest []byte }

// next returns the next byte that is no space, and leaves it there.
func (p *parser) next() byte {
	for strings.IndexByte(" \t\r\n", p.rest[0]) >= 0 {
		p.rest = p.rest[1:]
	}
	return p.rest[0]
}

// take returns the next byte that is no space.
func (p *parser) take() byte {
	c := p.next()
	p.rest = p.rest[1:]
	return c
}

func (p *parser) value() *value {
	v := &value{place: unmet}
	switch c := p.next(); c {
	case 'n':
		p.rest = p.rest[len("null"):]
	case 't':
		v.kind, v.truth, p.rest = kindBool, true, p.rest[len("true"):]
	case 'f':
		v.kind, p.rest = kindBool, p.rest[len("false"):]
	case '"':
		v.kind, v.text = kindString, p.text()
	case '[':
		v.kind = kindArray
		p.list(']', func() { v.elements = append(v.elements, p.value()) })
	case '{':
		v.kind = kindObject
		p.list('}', func() {
			p.next()
			name := p.text()
			p.take() // the colon
			v.members = append(v.members, member{name, p.value()})
		})
	default:
		v.kind, v.number = kindNumber, p.number()
	}
	return v
}

// list reads what is between brackets.
func (p *parser) list(end byte, read func()) {
	p.take()
	if p.next() == end {
		p.take()
		return
	}
	for read(); p.take() != end; { // or else it is a comma
		read()
	}
}

func (p *parser) number() float64 {
	end := 0
	for end < len(p.rest) && strings.IndexByte("+-.0123456789eE", p.rest[end]) >= 0 {
		end++
	}
	f, _ := strconv.ParseFloat(string(p.rest[:end]), 64) // it is valid; what is too large is infinite
	p.rest = p.rest[end:]
	return f
}

// text reads a text from its first quote.
func (p *parser) text() []uint16 {
	units := []uint16{}
	for i := 1; ; {
		start := i
		for p.rest[i] != '"' && p.rest[i] != '\\' {
			i++
		}
		units = append(units, utf16.Encode([]rune(string(p.rest[start:i])))...)
		if p.rest[i] == '"' {
			p.rest = p.rest[i+1:]
			return units
		}
		unit, size := escape(p.rest[i+1:])
		units = append(units, unit)
		i += 1 + size
	}
}

// escapes are those of one letter that stand for something else.
var escapes = map[byte]uint16{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

// escape reads what follows a backslash.
func escape(s []byte) (unit uint16, size int) {
	if s[0] == 'u' {
		u, _ := strconv.ParseUint(string(s[1:5]), 16, 16) // it is valid
		return uint16(u), 5
	}
	return cmp.Or(escapes[s[0]], uint16(s[0])), 1
}

// number writes a number as JavaScript does.
func number(f float64) string {
	switch abs := math.Abs(f); {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	case abs == 0:
		return "0"
	case abs < 1e-6 || abs >= 1e21:
		return strings.Replace(strconv.FormatFloat(f, 'e', -1, 64), "e-0", "e-", 1)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
