package text

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Escape writes what a terminal would not show as a plain character in the
// form of a Go string literal: control characters, bidirectional overrides,
// line separators, invisible and unassigned characters, bytes that are no
// UTF-8, and the backslash itself.
func Escape(s string) string { return escape(s, true) }

// Printable is Escape for whole lines, which leaves the backslash alone and so
// is not reversible.
func Printable(s string) string { return escape(s, false) }

func escape(s string, backslash bool) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[0])
		case r == '\\' && backslash:
			b.WriteString(`\\`)
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			quoted := strconv.QuoteRune(r)
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		s = s[n:]
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f || s[i] == '\\' {
			return false
		}
	}
	return true
}
