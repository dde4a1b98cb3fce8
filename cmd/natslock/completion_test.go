package main

import (
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completions are the scripts for the shells, each also in a file.
func completions(t *testing.T) (text, path map[string]string) {
	t.Helper()
	text, path = map[string]string{}, map[string]string{}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		text[shell] = bare(t, "completion", shell).want(t, 0, "").out
		path[shell] = filepath.Join(t.TempDir(), "natslock."+shell)
		if err := os.WriteFile(path[shell], []byte(text[shell]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return text, path
}

// zshAfter is what follows the name of a flag.
func zshAfter(isBool bool) string {
	if isBool {
		return "["
	}
	return "=["
}

// Whatever command or flag is added, each shell knows it, and none that is gone.
func TestCompletionsKnowEveryCommandAndFlag(t *testing.T) {
	text, path := completions(t)
	parser := newParser(&system{out: io.Discard, err: io.Discard})
	lines := []string{""}
	want := map[string][]string{}
	has := func(shell, section, what string) {
		t.Helper()
		if !strings.Contains(section, what) {
			t.Errorf("%s does not know %s", shell, what)
		}
	}
	for _, c := range shown(parser) {
		want[""] = append(want[""], c.Name)
		lines = append(lines, c.Name+" --")
		_, zsh, _ := strings.Cut(text["zsh"], "\n        "+c.Name+")\n            _arguments")
		zsh, _, _ = strings.Cut(zsh, ";;")
		has("zsh", text["zsh"], "\n        '"+c.Name+":")
		has("fish", text["fish"], "complete -c natslock -n __fish_use_subcommand -a "+c.Name+" ")
		for _, f := range c.Flags {
			if f.Hidden {
				continue
			}
			want[c.Name+" --"] = append(want[c.Name+" --"], "--"+f.Name)
			has("zsh", zsh, "'--"+f.Name+zshAfter(f.IsBool()))
			has("fish", text["fish"], "complete -c natslock -n '__fish_seen_subcommand_from "+c.Name+"' -l "+f.Name+" ")
		}
		for _, f := range parser.Model.Flags {
			want[c.Name+" --"] = append(want[c.Name+" --"], "--"+f.Name)
			has("zsh", zsh, "'--"+f.Name+zshAfter(f.IsBool()))
			has("fish", text["fish"], "complete -c natslock -l "+f.Name+" ")
		}
	}
	for _, f := range parser.Model.Flags {
		want[""] = append(want[""], "--"+f.Name)
	}
	out, err := exec.Command("bash", append([]string{"-c", `source "$1"; shift
		for line; do
			COMP_WORDS=(natslock $line); [[ $line ]] || COMP_WORDS+=("")
			COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _natslock; echo "${COMPREPLY[*]}"
		done`, "bash", path["bash"]}, lines...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSuffix(string(out), "\n"), "\n") {
		got := strings.Fields(line)
		slices.Sort(got)
		slices.Sort(want[lines[i]])
		if !slices.Equal(got, want[lines[i]]) {
			t.Errorf("bash, after %q: %q, want %q", lines[i], got, want[lines[i]])
		}
	}
}
