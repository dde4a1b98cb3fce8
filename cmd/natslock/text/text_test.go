package text

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestEscapeShowsWhatATerminalWouldObey(t *testing.T) {
	for in, want := range map[string]string{
		"":                     "",
		"orders/42":            "orders/42",
		"a b":                  "a b",
		"schlüssel 🔒 鍵":        "schlüssel 🔒 鍵",
		"\x1b[2J\x1b]0;pwn\a":  `\x1b[2J\x1b]0;pwn\a`,
		"a\tb\nc\r":            `a\tb\nc\r`,
		"\u202egnp.exe":        `\u202egnp.exe`,
		"\u2028":               `\u2028`,
		"\u009b31m":            `\u009b31m`,
		"nul\x00":              `nul\x00`,
		"bad\xff\xfe":          `bad\xff\xfe`,
		`back\slash`:           `back\\slash`,
		"\u200dzero width":     `\u200dzero width`,
		"\U000e0001tag\ufffd!": `\U000e0001tag` + "\ufffd!",
	} {
		if got := Escape(in); got != want {
			t.Errorf("Escape(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestPrintableLeavesTheBackslashAlone(t *testing.T) {
	if got, want := Printable("a\\b\x1b\n"), `a\b\x1b\n`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func FuzzEscapeLeavesNoControlCharacterAndLosesNothing(f *testing.F) {
	f.Add("\x1b[31m", "x")
	f.Add("\\n", "\n")
	f.Fuzz(func(t *testing.T, a, b string) {
		ea := Escape(a)
		if !utf8.ValidString(ea) || strings.ContainsFunc(ea, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("Escape(%q) = %q", a, ea)
		}
		if a != b && ea == Escape(b) {
			t.Errorf("%q and %q look the same: %q", a, b, ea)
		}
	})
}

func TestWidthCountsColumns(t *testing.T) {
	for in, want := range map[string]int{"abc": 3, "é": 1, "e\u0301": 1, "鍵": 2, "🔒": 2, "한국": 4, "…": 1} {
		if got := Width(in); got != want {
			t.Errorf("Width(%q) = %d, want %d", in, got, want)
		}
	}
}

func TestTableAlignsOnATerminal(t *testing.T) {
	var b strings.Builder
	tab := Table{W: &b, Terminal: true, Header: []string{"NAME", "OWNER"}}
	tab.Row("鍵", "a")
	tab.Row("orders", "")
	tab.Row(strings.Repeat("x", 60), "b")
	if err := tab.Flush(); err != nil {
		t.Fatal(err)
	}
	want := "NAME" + strings.Repeat(" ", 46) + "OWNER\n" +
		"鍵" + strings.Repeat(" ", 48) + "a\n" +
		"orders" + strings.Repeat(" ", 44) + "-\n" +
		strings.Repeat("x", 47) + "…  b\n"
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestTableObeysNoCell(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var b strings.Builder
		tab := Table{W: &b, Terminal: terminal, Header: []string{"MODE", "NAME"}}
		tab.Row("\x1b[2J\n", Escape(`back\slash`))
		if err := tab.Flush(); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(b.String(), `\x1b[2J\n`) || !strings.Contains(b.String(), `back\\slash`+"\n") {
			t.Errorf("%q", b.String())
		}
	}
}

func TestTableIsTabSeparatedInAPipe(t *testing.T) {
	var b strings.Builder
	tab := Table{W: &b, Header: []string{"NAME", "OWNER"}}
	tab.Row(strings.Repeat("x", 60), "")
	if err := tab.Flush(); err != nil {
		t.Fatal(err)
	}
	if want := strings.Repeat("x", 60) + "\t-\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

// fit is the table of rows of three cells on a terminal of so many columns.
func fit(t *testing.T, width int, rows ...[]string) []string {
	t.Helper()
	var b strings.Builder
	tab := Table{W: &b, Terminal: true, Width: width, Header: []string{"NAME", "TOKEN", "OWNER"}, Whole: []string{"TOKEN"}, Spare: []string{"OWNER"}}
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
		72:  {strings.Repeat("鍵", 23) + "…  305200000000256 oooooo…"},
		60:  {strings.Repeat("鍵", 19) + "… 305200000000256 ooo…"},
		40:  {strings.Repeat("鍵", 9) + "… 305200000000256 ooo…"},
		30:  {"鍵鍵鍵鍵… 305200000000256 ooo…"},
		10:  {"鍵…  305200000000256 ooo…"}, // no less would be of use
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
