package main

import "testing"

func TestSizesAreRead(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "1024": 1024, "7B": 7, "1KiB": 1 << 10, "1.5MiB": 3 << 19, "512MiB": 512 << 20, "1GiB": 1 << 30, "2TiB": 2 << 40,
	} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err != nil || int64(b) != want {
			t.Errorf("%s is %d (%v), want %d", text, b, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1GB", "1 GiB", "0.5", "NaN", "Inf", "1e30TiB", "GiB"} {
		var b byteSize
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is %d", text, b)
		}
	}
}
