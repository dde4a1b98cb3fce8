package locker

import (
	"bytes"
	"encoding/json"
)

// source is JSON that is taken apart. It is known to be valid, so a value ends where its
// quotes or brackets do.
type source struct{ rest []byte }

// take takes a byte, if it is next.
func (t *source) take(c byte) bool {
	t.rest = bytes.TrimLeft(t.rest, " \t\r\n")
	if len(t.rest) == 0 || t.rest[0] != c {
		return len(t.rest) == 0 && c == '}' // there is no more
	}
	t.rest = t.rest[1:]
	return true
}

// value takes a value.
func (t *source) value() json.RawMessage {
	t.rest = bytes.TrimLeft(t.rest, " \t\r\n")
	end := valueEnd(t.rest)
	value := t.rest[:end:end]
	t.rest = t.rest[end:]
	return value
}

func valueEnd(text []byte) int {
	depth := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '"':
			i += stringEnd(text[i:]) - 1
			if depth == 0 {
				return min(i+1, len(text))
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth <= 0 {
				return i + depth + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
	}
	return len(text)
}

// stringEnd is how long a string is, with its quotes.
func stringEnd(text []byte) int {
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(text)
}

// plain tells whether a string is in JSON as it is, between quotes.
func plain[T ~string | ~[]byte](s T) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}

// unquote reads a string.
func unquote(value json.RawMessage) (s string, err error) {
	if n := len(value); n > 1 && value[0] == '"' && plain(value[1:n-1]) {
		return string(value[1 : n-1]), nil
	}
	err = json.Unmarshal(value, &s)
	return s, err
}

// quote appends a string.
func quote(to []byte, s string) []byte {
	if plain(s) {
		return append(append(append(to, '"'), s...), '"')
	}
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // there is none that cannot be said
	}
	return append(to, bytes.TrimSpace(text.Bytes())...)
}
