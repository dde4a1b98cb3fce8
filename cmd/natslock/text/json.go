package text

import (
	"fmt"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON writes a JSON text so that a terminal shows it and obeys nothing in it:
// what Escape would not leave as it is becomes \uXXXX, which programs read as
// the same text. Such characters can only be inside of strings.
func JSON(doc []byte) []byte {
	from := 0 // what is not copied yet begins here
	var out []byte
	for at := 0; at < len(doc); {
		r, n := utf8.DecodeRune(doc[at:])
		if r >= ' ' && r < 0x7f || r == '\n' || strconv.IsPrint(r) {
			at += n
			continue
		}
		out = append(out, doc[from:at]...)
		for _, unit := range utf16.AppendRune(nil, r) {
			out = fmt.Appendf(out, `\u%04x`, unit)
		}
		at += n
		from = at
	}
	if from == 0 {
		return doc
	}
	return append(out, doc[from:]...)
}
