package schema

import (
	"bytes"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// broken is the fault of a text that is not JSON at this place.
func (s *scan) broken(want string) *Error {
	if s.at >= len(s.body) {
		return fault("broken JSON: ends early, want " + want)
	}
	return fault(fmt.Sprintf("broken JSON at byte %d: want %s", s.at, want))
}

// space passes over white space. MessagePack has none.
func (s *scan) space() {
	if s.packed {
		return
	}
	for s.at < len(s.body) {
		switch s.body[s.at] {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return
		}
	}
}

// peek is the byte here, or 0, which is never part of JSON's own signs.
func (s *scan) peek() byte {
	if s.at < len(s.body) {
		return s.body[s.at]
	}
	return 0
}

func jsonKind(c byte) kind {
	switch c {
	case '{':
		return kindObject
	case '[':
		return kindList
	case '"':
		return kindText
	case 't', 'f':
		return kindFlag
	case 'n':
		return kindNull
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return kindNumber
	}
	return kindBroken
}

func (s *scan) jsonValue(depth int, f *frame) *Error {
	switch c := s.peek(); jsonKind(c) {
	case kindObject:
		return s.checkJSONObject(depth+1, f)
	case kindList:
		return s.checkJSONList(depth + 1)
	case kindText:
		return s.checkJSONText()
	case kindNumber:
		return s.checkJSONNumber()
	case kindFlag, kindNull:
		for _, word := range []string{"true", "false", "null"} {
			if word[0] == c && bytes.HasPrefix(s.body[s.at:], []byte(word)) {
				s.at += len(word)
				return nil
			}
		}
	}
	return s.broken("a value")
}

func (s *scan) checkJSONObject(depth int, f *frame) *Error {
	s.at++
	s.space()
	if s.peek() == '}' {
		s.at++
		return nil
	}
	for {
		s.space()
		if s.peek() != '"' {
			return s.broken("a key")
		}
		from, field := s.at, -1
		if err := s.checkJSONText(); err != nil {
			return err
		}
		if f != nil {
			field = f.find(unquote(s.body[from:s.at]))
		}
		s.space()
		if s.peek() != ':' {
			return s.broken("a colon")
		}
		s.at++
		if err := s.note(depth, f, field); err != nil {
			return err
		}
		if done, err := s.separator('}'); done || err != nil {
			return err
		}
	}
}

func (s *scan) checkJSONList(depth int) *Error {
	s.at++
	s.space()
	if s.peek() == ']' {
		s.at++
		return nil
	}
	for i := 0; ; i++ {
		s.space()
		if err := s.value(depth, nil); err != nil {
			return err.within(fmt.Sprintf("[%d]", i))
		}
		if done, err := s.separator(']'); done || err != nil {
			return err
		}
	}
}

// separator passes over the comma or the end after an element.
func (s *scan) separator(end byte) (done bool, err *Error) {
	s.space()
	switch s.peek() {
	case ',':
		s.at++
		return false, nil
	case end:
		s.at++
		return true, nil
	}
	return false, s.broken(fmt.Sprintf("a comma or %c", end))
}

func (s *scan) checkJSONText() *Error {
	s.at++
	from, wide := s.at, false
	for ; s.at < len(s.body); s.at++ {
		switch c := s.body[s.at]; {
		case c == '"':
			if wide && !utf8.Valid(s.body[from:s.at]) {
				return fault(notUTF8)
			}
			s.at++
			return nil
		case c == '\\':
			if err := s.checkEscape(); err != nil {
				return err
			}
		case c < ' ':
			return s.broken("control characters as escapes")
		case c >= utf8.RuneSelf:
			wide = true
		}
	}
	return s.broken("a quotation mark")
}

// checkEscape checks the escape here and goes to its last byte.
func (s *scan) checkEscape() *Error {
	s.at++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return nil
	case 'u':
	default:
		return s.broken("an escape")
	}
	r, ok := hex4(s.body[s.at+1:])
	if !ok {
		return s.broken("four hex digits")
	}
	s.at += 4
	if !utf16.IsSurrogate(r) {
		return nil
	}
	low, ok := lowSurrogate(s.body[s.at+1:])
	if !ok || utf16.DecodeRune(r, low) == utf8.RuneError {
		return fault("not valid Unicode: a lone surrogate")
	}
	s.at += len(`\udc00`)
	return nil
}

// hex4 reads four hex digits.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}

// lowSurrogate reads an escaped code unit.
func lowSurrogate(b []byte) (rune, bool) {
	if len(b) < 2 || b[0] != '\\' || b[1] != 'u' {
		return 0, false
	}
	return hex4(b[2:])
}

// checkJSONNumber checks the number here by JSON's grammar.
func (s *scan) checkJSONNumber() *Error {
	if s.peek() == '-' {
		s.at++
	}
	switch {
	case s.peek() == '0':
		s.at++
	case !s.digits():
		return s.broken("a digit")
	}
	if s.peek() == '.' {
		s.at++
		if !s.digits() {
			return s.broken("a digit")
		}
	}
	if c := s.peek(); c != 'e' && c != 'E' {
		return nil
	}
	s.at++
	if c := s.peek(); c == '+' || c == '-' {
		s.at++
	}
	if !s.digits() {
		return s.broken("a digit")
	}
	return nil
}

// digits passes over digits and reports whether there were any.
func (s *scan) digits() bool {
	from := s.at
	for s.digit() {
		s.at++
	}
	return s.at > from
}

func (s *scan) digit() bool {
	c := s.peek()
	return '0' <= c && c <= '9'
}

// jsonText reads the text here, which has been checked.
func (s *scan) jsonText() string {
	from := s.at
	for s.at++; s.body[s.at] != '"'; s.at++ {
		if s.body[s.at] == '\\' {
			s.at++
		}
	}
	s.at++
	return string(unquote(s.body[from:s.at]))
}

// unquote returns what a checked JSON text stands for: a part of it, or new
// bytes if it has escapes.
func unquote(quoted []byte) []byte {
	inner := quoted[1 : len(quoted)-1]
	i := bytes.IndexByte(inner, '\\')
	if i < 0 {
		return inner
	}
	text := append(make([]byte, 0, len(inner)), inner[:i]...)
	for ; i < len(inner); i++ {
		c := inner[i]
		if c != '\\' {
			text = append(text, c)
			continue
		}
		i++
		switch c = inner[i]; c {
		case 'b':
			text = append(text, '\b')
		case 'f':
			text = append(text, '\f')
		case 'n':
			text = append(text, '\n')
		case 'r':
			text = append(text, '\r')
		case 't':
			text = append(text, '\t')
		case 'u':
			r, _ := hex4(inner[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				low, _ := lowSurrogate(inner[i+1:])
				r = utf16.DecodeRune(r, low)
				i += len(`\udc00`)
			}
			text = utf8.AppendRune(text, r)
		default:
			text = append(text, c)
		}
	}
	return text
}
