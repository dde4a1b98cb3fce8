package schema

import (
	"bytes"
	"math"
	"strconv"
)

// number is a number as either encoding wrote it. 1, 1.0 and 1e0 are the same
// whole number; what is whole but beyond int64 and uint64 counts as huge.
type number struct {
	whole    bool
	huge     bool    // integral or infinite, but no whole
	negative bool    // of a whole
	size     uint64  // of a whole, without its sign
	float    float64 // unless whole
}

func fromInt(n int64) number {
	if n < 0 {
		return number{whole: true, negative: true, size: -uint64(n)}
	}
	return number{whole: true, size: uint64(n)}
}

func fromFloat(f float64) number {
	switch {
	case f != math.Trunc(f): // also NaN
		return number{float: f}
	case f >= 1<<64 || f < -1<<63:
		return number{huge: true, float: f}
	case f < 0:
		return number{whole: true, negative: true, size: uint64(-f)}
	}
	return number{whole: true, size: uint64(f)}
}

// int64 returns a whole number that fits.
func (n number) int64() (int64, bool) {
	switch {
	case !n.whole || n.size > math.MaxInt64 && !n.negative:
		return 0, false
	case n.negative:
		return -int64(n.size), true // also of the least, which is its own negative
	}
	return int64(n.size), true
}

// uint64 returns a whole number that fits.
func (n number) uint64() (uint64, bool) {
	return n.size, n.whole && !n.negative
}

// misfit is the fault of a number that does not fit its field.
func (n number) misfit() *Error {
	switch {
	case n.whole && n.negative:
		return fault("must not be negative")
	case n.whole || n.huge:
		return fault("out of range")
	case math.IsNaN(n.float):
		return fault("want a whole number, got NaN")
	}
	return fault("want a whole number, got a fraction")
}

// jsonNumber reads the number here, which has been checked.
func (s *scan) jsonNumber() number {
	from := s.at
	var size uint64
	for s.digit() {
		size = 10*size + uint64(s.body[s.at]-'0')
		s.at++
	}
	switch s.peek() {
	case '-', '+', '.', 'e', 'E':
	default:
		if s.at-from < len("18446744073709551615") {
			return number{whole: true, size: size}
		}
	}
	for s.digit() || bytes.IndexByte([]byte("-+.eE"), s.peek()) >= 0 {
		s.at++
	}
	return parseNumber(s.body[from:s.at])
}

// parseNumber reads any JSON number, exactly.
func parseNumber(text []byte) number {
	digits, negative := bytes.CutPrefix(text, []byte("-"))
	exponent := 0
	if i := bytes.IndexAny(digits, "eE"); i >= 0 {
		exponent = parseExponent(digits[i+1:])
		digits = digits[:i]
	}
	if before, after, ok := bytes.Cut(digits, []byte(".")); ok {
		digits = append(append(make([]byte, 0, len(digits)), before...), after...)
		exponent -= len(after)
	}
	digits = bytes.TrimLeft(digits, "0")
	trimmed := bytes.TrimRight(digits, "0")
	exponent += len(digits) - len(trimmed)
	if len(trimmed) == 0 {
		return number{whole: true}
	}
	n := number{whole: true, negative: negative}
	switch {
	case exponent < 0:
		n.whole = false
	case len(trimmed)+exponent > len("18446744073709551615"):
		n.whole, n.huge = false, true
	default:
		all := append(trimmed[:len(trimmed):len(trimmed)], "00000000000000000000"[:exponent]...)
		size, err := strconv.ParseUint(string(all), 10, 64)
		if err != nil || negative && size > 1<<63 {
			n.whole, n.huge = false, true
		}
		n.size = size
	}
	if !n.whole {
		n.float, _ = strconv.ParseFloat(string(text), 64) // out of range is infinite
	}
	return n
}

// parseExponent reads a checked exponent. One that is out of all reason is cut
// down to a billion, which is still beyond what any body has digits for.
func parseExponent(text []byte) int {
	const bound = 1_000_000_000
	text, negative := bytes.CutPrefix(bytes.TrimPrefix(text, []byte("+")), []byte("-"))
	n := 0
	for _, c := range text {
		n = min(10*n+int(c-'0'), bound)
	}
	if negative {
		return -n
	}
	return n
}
