package bus

import (
	"strings"
	"testing"
)

func TestValidKey(t *testing.T) {
	for key, want := range map[string]bool{
		"a": true, "orders.42": true, "a.b.c": true, "A-Z_0/9=.=20": true, strings.Repeat("k", maxKey): true,
		"": false, ".": false, ".a": false, "a.": false, "a..b": false, "..": false, strings.Repeat("k", maxKey+1): false,
		"a b": false, "a*": false, ">": false, "a.>": false, "\x00": false, "é": false, "a\x7f": false, "a\n": false, "$KV": false,
	} {
		if got := ValidKey(key); got != want {
			t.Errorf("%.40q: %t, want %t", key, got, want)
		}
	}
}
