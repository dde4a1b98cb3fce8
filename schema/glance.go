package schema

import "bytes"

// settled reports whether text is a Meta already, in its one form. It says so only of
// what shows it at a glance, which is most that is kept of locks: ASCII without escapes,
// and numbers that are whole and not large. Of all else it says no.
func settled(text []byte) bool {
	if len(text) > MaxMeta || len(text) <= len("{}") || text[0] != '{' {
		return false
	}
	g := glance{text: text}
	return g.object(1) && g.at == len(text)
}

// glance goes through a text as long as it is plainly in the form of a Meta.
type glance struct {
	text []byte
	at   int
}

// take goes past a byte, if it is the next one.
func (g *glance) take(c byte) bool {
	if g.at < len(g.text) && g.text[g.at] == c {
		g.at++
		return true
	}
	return false
}

func (g *glance) value(depth int) bool {
	if g.at == len(g.text) {
		return false
	}
	switch c := g.text[g.at]; c {
	case '{':
		return g.object(depth + 1)
	case '[':
		return g.list(depth + 1)
	case '"':
		_, ok := g.string()
		return ok
	case 't':
		return g.word("true")
	case 'f':
		return g.word("false")
	case 'n':
		return g.word("null")
	}
	return g.number()
}

func (g *glance) object(depth int) bool {
	g.at++
	if depth > maxMetaDepth {
		return false
	}
	if g.take('}') {
		return true
	}
	var last []byte
	for first := true; ; first = false {
		key, ok := g.string()
		if !ok || !first && bytes.Compare(last, key) >= 0 || !g.take(':') || !g.value(depth) {
			return false
		}
		if g.take('}') {
			return true
		}
		if !g.take(',') {
			return false
		}
		last = key
	}
}

func (g *glance) list(depth int) bool {
	g.at++
	if depth > maxMetaDepth {
		return false
	}
	if g.take(']') {
		return true
	}
	for g.value(depth) {
		if g.take(']') {
			return true
		}
		if !g.take(',') {
			return false
		}
	}
	return false
}

// string returns what is between quotes.
func (g *glance) string() (inside []byte, ok bool) {
	if !g.take('"') {
		return nil, false
	}
	from := g.at
	for ; g.at < len(g.text); g.at++ {
		switch c := g.text[g.at]; {
		case c == '"':
			g.at++
			return g.text[from : g.at-1], true
		case !verbatim[c]:
			return nil, false
		}
	}
	return nil, false
}

// word goes past a word.
func (g *glance) word(w string) bool {
	if !bytes.HasPrefix(g.text[g.at:], []byte(w)) {
		return false
	}
	g.at += len(w)
	return true
}

// maxPlainDigits are as many as any whole number may have that fits 64 bits.
const maxPlainDigits = 18

// number goes past a whole number.
func (g *glance) number() bool {
	negative := g.take('-')
	if g.take('0') {
		return !negative
	}
	from := g.at
	for g.at < len(g.text) && '0' <= g.text[g.at] && g.text[g.at] <= '9' {
		g.at++
	}
	return g.at > from && g.at-from <= maxPlainDigits
}
