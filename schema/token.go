package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

const upperHex = "0123456789ABCDEF"

// plain reports whether a byte stands for itself in a subject token.
func plain(b byte) bool { return plainBytes[b] }

var plainBytes = func() (t [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-" {
		t[c] = true
	}
	return t
}()

// EscapeToken writes any text as one subject token: every byte outside
// A-Z a-z 0-9 _ - becomes =XX. The empty text stays empty, which is no token.
func EscapeToken(s string) string {
	escaped := 0
	for i := range len(s) {
		if !plain(s[i]) {
			escaped++
		}
	}
	if escaped == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*escaped)
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('=')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// UnescapeToken is the inverse of EscapeToken. Only the one spelling that
// EscapeToken writes is accepted, so that two subjects never mean the same,
// and only what is valid UTF-8.
func UnescapeToken(token string) (string, error) {
	escaped := 0
	for i := 0; i < len(token); i++ {
		switch c := token[i]; {
		case plain(c):
		case c != '=':
			return "", fmt.Errorf("byte %#02x must be escaped", c)
		default:
			if _, err := unescapeByte(token[i:]); err != nil {
				return "", err
			}
			escaped++
			i += 2
		}
	}
	if escaped == 0 {
		return token, nil
	}
	text := make([]byte, 0, len(token)-2*escaped)
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '=' {
			c = fromHex(token[i+1])<<4 | fromHex(token[i+2])
			i += 2
		}
		text = append(text, c)
	}
	if !utf8.Valid(text) {
		return "", errUTF8
	}
	return string(text), nil
}

// unescapeByte reads the escape that s begins with.
func unescapeByte(s string) (byte, error) {
	if len(s) < 3 || fromHex(s[1]) > 15 || fromHex(s[2]) > 15 {
		return 0, errEscape
	}
	c := fromHex(s[1])<<4 | fromHex(s[2])
	if plain(c) {
		return 0, fmt.Errorf("byte %q must not be escaped", c)
	}
	return c, nil
}

// fromHex is the value of an upper-case hex digit, or 255.
func fromHex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
