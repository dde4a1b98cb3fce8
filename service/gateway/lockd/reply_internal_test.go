package lockd

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestControlCharactersAreShownEscaped(t *testing.T) {
	for name, want := range map[string]string{
		"": "", "plain": "plain", `C:\x1b`: `C:\x1b`, "Straße 🔒 👩\u200d💻 a\u00a0b": "Straße 🔒 👩\u200d💻 a\u00a0b",
		"a\x1b]0;mine\ab": `a\x1b]0;mine\ab`, "a\nb\r\tc": `a\nb\r\tc`, "\x00\x7f": `\x00\x7f`,
		"\u009b2J": `\u009b2J`, "\ufffd": "\ufffd",
	} {
		if got := shown(name); got != want {
			t.Errorf("%q is shown as %s, want %s", name, got, want)
		}
	}
}

func FuzzDump(f *testing.F) {
	for _, seed := range []string{"a", "a\x1b[2J", "\u009b\u0085\x7f", `"\`, "\u2028<&>", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		var text strings.Builder
		d := &dumper{to: &text}
		if err := d.add(Lock{Name: name, Holders: []Holder{{Address: name}}}); err != nil {
			t.Fatal(err)
		}
		if err := d.end(); err != nil {
			t.Fatal(err)
		}
		line, _ := strings.CutSuffix(text.String(), "\n")
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("%q has control characters", line)
		}
		got := map[string]string{}
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		valid := strings.ToValidUTF8(name, "\x00")
		if valid == name && (len(got) != 1 || got[name] != name) {
			t.Errorf("%q became %q", name, got)
		}
	})
}
