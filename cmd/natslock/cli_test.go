package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
)

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	top := bare(t, "--help").want(t, 0, "").out
	for _, node := range newParser(&system{out: new(bytes.Buffer), err: new(bytes.Buffer)}).Model.Children {
		help := bare(t, node.Name, "--help").want(t, 0, "").out
		if node.Name != "version" && !strings.Contains(help, "Examples:") {
			t.Errorf("%s has no examples:\n%s", node.Name, help)
		}
		if !strings.Contains(top, "  "+node.Name+" ") {
			t.Errorf("natslock --help does not know %s", node.Name)
		}
		for _, flag := range node.Flags {
			if flag.Help == "" && !flag.Hidden {
				t.Errorf("%s --%s has no help", node.Name, flag.Name)
			}
		}
	}
}

func TestVersionSaysWhatItIs(t *testing.T) {
	pattern := regexp.MustCompile(`^natslock \d+\.\d+\.\d+\S* \(go\S+, \w+/\w+, protocol 1\)\n$`)
	for _, args := range [][]string{{"version"}, {"--version"}, {"serve", "--version"}} {
		if out := bare(t, args...).want(t, 0, "").out; !pattern.MatchString(out) {
			t.Errorf("%q: %q", args, out)
		}
	}
	if v := object(t, bare(t, "version", "--json").want(t, 0, "").out); v["protocol"] != 1.0 || v["version"] == "" || v["go"] == "" {
		t.Error(v)
	}
}

func TestUsageErrorsAreOneLine(t *testing.T) {
	bare(t).want(t, 2, "natslock: usage: expected one of")
	bare(t, "lock").want(t, 2, "natslock: usage: unexpected argument lock")
	bare(t, "serve", "--bogus").want(t, 2, "natslock: serve: unknown flag --bogus")
	bare(t, "serve", "--http", "127.0.0.1:0").want(t, 2, "unknown flag --http")
	bare(t, "run", "--bogus").want(t, 125, "natslock: run: unknown flag --bogus")
	bare(t, "run", "x").want(t, 125, "natslock: run: expected")
	bare(t, "run", "x", "--").want(t, 125, "natslock: run: give the lock, then --, then the command")
	bare(t, "run", "--", "true").want(t, 125, "natslock: run: ")
	bare(t, "run", "x", "true").want(t, 125, "natslock: run: give the lock, then --")
	bare(t, "run", "x", "y", "--", "true").want(t, 125, "natslock: run: give the lock, then --")
	bare(t, "completion", "tcsh").want(t, 2, "must be one of")
}

func TestStatusesOfRepliesAreThoseOfTheContract(t *testing.T) {
	for want, statuses := range map[int][]schema.Status{
		0: {schema.StatusGranted, schema.StatusAlready, schema.StatusReleased, schema.StatusKept, schema.StatusRenewed, schema.StatusOK},
		1: {schema.StatusHeld, schema.StatusTimeout, schema.StatusNotHeld, schema.StatusSizeMismatch, schema.StatusCanceled},
		2: {schema.StatusInvalid},
		3: {schema.StatusUnavailable, schema.StatusSessionExpired, schema.StatusInternal},
		4: {schema.StatusDenied, schema.StatusLimit},
	} {
		for _, s := range statuses {
			if got := statusOf(s); got != want {
				t.Errorf("%s: %d, want %d", s, got, want)
			}
		}
	}
}

func TestCompletionForBashKnowsTheCommands(t *testing.T) {
	script := filepath.Join(t.TempDir(), "natslock")
	if err := os.WriteFile(script, []byte(bare(t, "completion", "bash").want(t, 0, "").out), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("bash", "-n", script).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for line, want := range map[string]string{
		"re": "release renew", "serve --log-f": "--log-format", "serve --log-format ": "text json", "completion z": "zsh",
		"serve --ech": "", "inspect --rea": "--realm",
	} {
		words := strings.Split(line, " ")
		out, err := exec.Command("bash", append([]string{"-c", `source "$1"; shift
			COMP_WORDS=(natslock "$@"); COMP_CWORD=$#; _natslock; echo ${COMPREPLY[*]}`, "bash", script}, words...)...).Output()
		if got := strings.TrimSpace(string(out)); err != nil || got != want {
			t.Errorf("%q: %q, %v, want %q", line, got, err, want)
		}
	}
	for shell, begin := range map[string]string{"zsh": "#compdef natslock", "fish": "# To load it: natslock completion fish | source"} {
		if out := bare(t, "completion", shell).want(t, 0, "").out; !strings.HasPrefix(out, begin) {
			t.Errorf("%s: %.60q", shell, out)
		}
	}
}
