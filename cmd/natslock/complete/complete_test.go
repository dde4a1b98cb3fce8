package complete

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

type grammar struct {
	Serve struct {
		Data   string `complete:"file" help:"Where it's stored. Default: here."`
		Addr   string `help:"Where to listen [host:port]."`
		Format string `enum:"text,json" default:"text"`
		Quiet  bool   `help:"Say nothing."`
		Secret string `hidden:""`
	} `cmd:"" help:"Serve: all of it."`
	Run struct {
		Name    string   `arg:"" complete:"lock"`
		Command []string `arg:"" passthrough:"partial"`
	} `cmd:"" help:"Run something."`
	Shell struct {
		Shell string `arg:"" enum:"bash,zsh"`
	} `cmd:"" help:"Print a script."`
	Secret struct{} `cmd:"" hidden:""`
}

func program(t *testing.T) Program {
	t.Helper()
	k, err := kong.New(new(grammar), kong.Name("prog"))
	if err != nil {
		t.Fatal(err)
	}
	return Of(k.Model)
}

// bash runs a script that finds commands in dir.
func bash(t *testing.T, dir, script string, args ...string) string {
	t.Helper()
	cmd := exec.Command("bash", append([]string{"-c", script, "bash"}, args...)...)
	cmd.Env = []string{"PATH=" + dir}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("bash: %v\n%s", err, &stderr)
	}
	return string(out)
}

func TestBashCompletes(t *testing.T) {
	p := program(t)
	dir := t.TempDir()
	for _, name := range []string{"my file", "other"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	stub := "#!/bin/bash\n[[ $1 == names && $2 == -- ]] && printf '%s\\n' a/1 a/2 \"${@:4}\"\n"
	if err := os.WriteFile(filepath.Join(dir, "prog"), []byte(stub), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "script")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Bash(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", "-n", path).CombinedOutput(); err != nil {
		t.Fatalf("bash -n: %v\n%s", err, out)
	}
	for _, c := range []struct {
		line []string
		want []string
	}{
		{[]string{""}, []string{"serve", "run", "shell", "--help"}},
		{[]string{"s"}, []string{"serve", "shell"}},
		{[]string{"--help", "r"}, []string{"run"}},
		{[]string{"serve", "--"}, []string{"--data", "--addr", "--format", "--quiet", "--help"}},
		{[]string{"serve", "--quiet", "--f"}, []string{"--format"}},
		{[]string{"serve", "--format", ""}, []string{"text", "json"}},
		{[]string{"serve", "--format", "=", "j"}, []string{"json"}},
		{[]string{"serve", "--format", "="}, []string{"text", "json"}},
		{[]string{"serve", "--addr", ""}, nil},
		{[]string{"serve", "--data", dir + "/my"}, []string{dir + "/my file"}},
		{[]string{"shell", ""}, []string{"bash", "zsh", "--help"}},
		{[]string{"run", "a"}, []string{"a/1", "a/2", "a"}},
		{[]string{"run", "--h"}, []string{"--help"}},
		{[]string{"run", "--server", "here", "h"}, []string{"here", "h"}},
		{[]string{"run", "x", "--", "oth"}, []string{"other"}},
		{[]string{"run", "x", "--", "cat", dir + "/o"}, []string{dir + "/other"}},
		{[]string{"serve", "--", "r"}, nil},
	} {
		out := bash(t, dir, `source "$1"; shift
			COMP_WORDS=(prog "$@"); COMP_CWORD=$#
			_prog; for r in "${COMPREPLY[@]}"; do echo "$r"; done`, append([]string{path}, c.line...)...)
		got := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
		if out == "" {
			got = nil
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: %s", c.line, diff)
		}
	}
}

func TestZshAndFishKnowCommandsFlagsAndValues(t *testing.T) {
	p := program(t)
	var zsh, fish strings.Builder
	if err := p.Zsh(&zsh); err != nil {
		t.Fatal(err)
	}
	if err := p.Fish(&fish); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"#compdef prog\n", `'serve:Serve'`, `'--data=[Where it'\''s stored]:file:_files'`, `'--addr=[Where to listen \[host\:port\]]:value:'`,
		`'--format=[]:value:(text json)'`, `'--quiet[Say nothing]'`, `'1:name:_prog_locks' '*::command:_normal'`, "_prog_locks() {\n", `'1:value:(bash zsh)'`,
	} {
		if !strings.Contains(zsh.String(), want) {
			t.Errorf("zsh has no %s\n%s", want, &zsh)
		}
	}
	for _, want := range []string{
		"-n __fish_use_subcommand -a run -d 'Run something'\n",
		`-n '__fish_seen_subcommand_from serve' -l data -d 'Where it\'s stored' -r -F`,
		`-l format -d '' -x -a 'text json'`, `-l quiet -d 'Say nothing'` + "\n", `-a 'bash zsh'`, `__fish_complete_subcommand`, `-a '(prog names -- (commandline -ct) (commandline -opc) 2>/dev/null)'`,
	} {
		if !strings.Contains(fish.String(), want) {
			t.Errorf("fish has no %s\n%s", want, &fish)
		}
	}
	for _, s := range []string{zsh.String(), fish.String()} {
		if strings.Contains(strings.ToLower(s), "secret") {
			t.Errorf("something hidden is there:\n%s", s)
		}
	}
}

// Where the shells are installed, they say whether the scripts parse.
func TestShellsParseTheScripts(t *testing.T) {
	p := program(t)
	for shell, write := range map[string]func(*Program, *os.File) error{
		"zsh":  func(p *Program, f *os.File) error { return p.Zsh(f) },
		"fish": func(p *Program, f *os.File) error { return p.Fish(f) },
	} {
		path, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not installed: not checked", shell)
			continue
		}
		f, err := os.Create(filepath.Join(t.TempDir(), shell))
		if err != nil {
			t.Fatal(err)
		}
		if err := write(&p, f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(path, "-n", f.Name()).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}
