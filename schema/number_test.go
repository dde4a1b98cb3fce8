package schema

import (
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
)

// checkNumber compares a number with what exact arithmetic makes of it.
func checkNumber(t *testing.T, text string) {
	t.Helper()
	s := scan{body: []byte(text)}
	n := s.number()
	if s.at != len(text) {
		t.Fatalf("%s: read %d bytes", text, s.at)
	}
	exact, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%s is no number", text)
	}
	wantInt, wantUint := exact.IsInt() && exact.Num().IsInt64(), exact.IsInt() && exact.Num().IsUint64()
	if i, ok := n.int64(); ok != wantInt || ok && i != exact.Num().Int64() {
		t.Errorf("%s: got %d, %t, want %s", text, i, ok, exact)
	}
	if u, ok := n.uint64(); ok != wantUint || ok && u != exact.Num().Uint64() {
		t.Errorf("%s: got %d, %t, want %s", text, u, ok, exact)
	}
	if f, _ := exact.Float64(); !n.whole && n.float != f {
		t.Errorf("%s: got %v, want %v", text, n.float, f)
	}
}

var numbers = []string{
	"0", "-0", "0.0", "0e9", "-0.0E-9", "1", "-1", "10", "1.0", "1.5", "1e3", "1E+3", "1.25e2", "1.25e1", "1.250e2", "100e-2", "100e-3", "123456789.0000",
	"9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "9.223372036854775807e18", "-9223372036854775808.0",
	"18446744073709551615", "18446744073709551616", "1844674407370955161.5e1", "99999999999999999999", "1e19", "1e20", "2e19", "0.00000000000000000001e20",
	"9007199254740993", "9007199254740993.0", "9999999999999999999", "10000000000000000000", "5e-324", "1e-30", "1e300",
}

func TestNumbersAreExact(t *testing.T) {
	for _, text := range numbers {
		checkNumber(t, text)
	}
}

func TestExponentsBeyondReason(t *testing.T) {
	for text, want := range map[string]number{
		"1e99999999999999999999":         {huge: true, float: math.Inf(1)},
		"-1e99999999999999999999":        {huge: true, negative: true, float: math.Inf(-1)},
		"1e-99999999999999999999":        {},
		"0e99999999999999999999":         {whole: true},
		"0.0000e-99999999999999999999":   {whole: true},
		strings.Repeat("0", 1) + "e+999": {whole: true},
	} {
		s := scan{body: []byte(text)}
		if got := s.number(); got != want {
			t.Errorf("%s: got %+v, want %+v", text, got, want)
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, text := range numbers {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 50 || !json.Valid([]byte(text)) || jsonKind(text[0]) != kindNumber {
			return
		}
		if i := strings.IndexAny(text, "eE"); i >= 0 && len(strings.TrimLeft(text[i+1:], "+-0")) > 3 {
			return // exact arithmetic takes too long
		}
		checkNumber(t, strings.TrimSpace(text))
	})
}
