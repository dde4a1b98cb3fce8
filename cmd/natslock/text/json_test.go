package text

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJSONShowsWhatATerminalWouldObey(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"b"}` + "\n":                    `{"a":"b"}` + "\n",
		`"schlüssel 🔒 鍵 \n"`:                  `"schlüssel 🔒 鍵 \n"`,
		"\"\u009b31m\u0080\u009f\x7f\"":       `"\u009b31m\u0080\u009f\u007f"`,
		"\"\u2028\u2029\u202egnp\u2066\"":     `"\u2028\u2029\u202egnp\u2066"`,
		"\"\u200d \ufeff \U000e0001\u00a0x\"": `"\u200d \ufeff \udb40\udc01\u00a0x"`,
	} {
		got := string(JSON([]byte(in)))
		if got != want {
			t.Errorf("JSON(%q) = %s, want %s", in, got, want)
		}
		var before, after any
		if err := json.Unmarshal([]byte(in), &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(got), &after); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%q: another text: %s", in, diff)
		}
	}
}
