package schema

import (
	"encoding/binary"
	"math"
)

// appendPackText appends a MessagePack string.
func appendPackText(dst []byte, s string) []byte {
	switch n := len(s); {
	case n < 32:
		dst = append(dst, packFixText|byte(n))
	case n <= math.MaxUint8:
		dst = append(dst, packText8, byte(n))
	default:
		dst = appendPackSize(dst, n, packText16)
	}
	return append(dst, s...)
}

// appendPackSize appends a length of 16 bits after its first byte, or of 32
// bits after the next one.
func appendPackSize(dst []byte, n int, first byte) []byte {
	if n <= math.MaxUint16 {
		return binary.BigEndian.AppendUint16(append(dst, first), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(dst, first+1), uint32(n))
}

// appendPackCount appends the header of a list or object of n elements.
func appendPackCount(dst []byte, n int, fix, first byte) []byte {
	if n < 16 {
		return append(dst, fix|byte(n))
	}
	return appendPackSize(dst, n, first)
}

// appendPackUint appends a number in the shortest form.
func appendPackUint(dst []byte, n uint64) []byte {
	switch {
	case n < packFixMap:
		return append(dst, byte(n))
	case n <= math.MaxUint8:
		return append(dst, packUint8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(dst, packUint16), uint16(n))
	case n <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(dst, packUint32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, packUint64), n)
}

// appendPackInt appends a number in the shortest form.
func appendPackInt(dst []byte, n int64) []byte {
	switch {
	case n >= 0:
		return appendPackUint(dst, uint64(n))
	case n >= -32:
		return append(dst, byte(n))
	case n >= math.MinInt8:
		return append(dst, packInt8, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(dst, packInt16), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(dst, packInt32), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, packInt64), uint64(n))
}

// appendPackNumber appends a number of a Meta.
func appendPackNumber(dst []byte, n number) []byte {
	switch {
	case !n.whole:
		return binary.BigEndian.AppendUint64(append(dst, packFloat64), math.Float64bits(n.float))
	case n.negative:
		return appendPackInt(dst, -int64(n.size))
	}
	return appendPackUint(dst, n.size)
}
