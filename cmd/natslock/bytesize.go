package main

import (
	"encoding"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is a number of bytes.
type byteSize int64

var _ encoding.TextUnmarshaler = (*byteSize)(nil)

// byteUnits are how sizes may end, the longer ones first.
var byteUnits = []struct {
	name  string
	bytes float64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"B", 1}, {"", 1}}

// UnmarshalText reads a size such as 512MiB, or a number of bytes.
func (b *byteSize) UnmarshalText(text []byte) error {
	for _, unit := range byteUnits {
		number, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || n < 0 || n*unit.bytes >= math.MaxInt64 || n*unit.bytes != math.Trunc(n*unit.bytes) {
			break
		}
		*b = byteSize(n * unit.bytes)
		return nil
	}
	return fmt.Errorf("%q is no size such as 512MiB or 1GiB", text)
}
