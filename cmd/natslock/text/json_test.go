package text

import (
	"encoding/json"
	"strings"
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

// fit is the table of rows of three cells on a terminal of so many columns.
func fit(t *testing.T, width int, rows ...[]string) []string {
	t.Helper()
	var b strings.Builder
	tab := Table{W: &b, Terminal: true, Width: width, Header: []string{"NAME", "TOKEN", "OWNER"}, Whole: []string{"TOKEN"}}
	for _, row := range rows {
		tab.Row(row...)
	}
	if err := tab.Flush(); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func TestTableFitsTheTerminal(t *testing.T) {
	long := []string{strings.Repeat("鍵", 40), "305200000000256", strings.Repeat("o", 20)}
	short := []string{"x", "305200000000512", "ann"}
	for width, want := range map[int][]string{
		200: {strings.Repeat("鍵", 23) + "…   305200000000256  oooooooooooooooooooo"},
		60:  {strings.Repeat("鍵", 10) + "…  305200000000256  oooooooooooooooooooo"},
		40:  {"鍵鍵鍵鍵…   305200000000256  oooooooooo…"},
		30:  {"鍵鍵…  305200000000256  ooooo…"},
		10:  {"鍵…   305200000000256  ooo…"}, // no less would be of use
	} {
		lines := fit(t, width, long, short)
		if diff := cmp.Diff(want, lines[1:2]); diff != "" {
			t.Errorf("%d columns: %s", width, diff)
		}
		for _, line := range lines {
			if width >= 30 && Width(line) > width {
				t.Errorf("%d columns: %q has %d", width, line, Width(line))
			}
		}
	}
	if got := fit(t, 40, short)[1]; got != "x     305200000000512  ann" {
		t.Errorf("%q", got)
	}
}
