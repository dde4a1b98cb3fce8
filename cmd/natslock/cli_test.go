package main

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

func TestEveryCommandHasHelpWithExamples(t *testing.T) {
	top := bare(t, "--help").want(t, 0, "").out
	for _, node := range shown(newParser(&system{out: new(bytes.Buffer), err: new(bytes.Buffer)})) {
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
	bare(t, "lock").want(t, 2, "natslock: usage: unexpected argument lock")
	bare(t, "serve", "--bogus").want(t, 2, "natslock: serve: unknown flag --bogus")
	bare(t, "run", "--bogus").want(t, 125, "natslock: run: unknown flag --bogus")
	bare(t, "run", "x").want(t, 125, `natslock: run: missing "<command> ..."`)
	bare(t, "run", "x", "--").want(t, 125, "natslock: run: give the lock, then --, then the command")
	bare(t, "run", "--", "true").want(t, 125, "natslock: run: ")
	bare(t, "run", "x", "true").want(t, 125, "natslock: run: give the lock, then --")
	bare(t, "run", "x", "y", "--", "true").want(t, 125, "natslock: run: give the lock, then --")
	bare(t, "completion", "tcsh").want(t, 2, "must be one of")
}

func TestNoCommandIsToldWhichThereAre(t *testing.T) {
	r := bare(t)
	if r.status != 2 || r.out != "" || !strings.HasPrefix(r.err, "natslock: which command? ") {
		t.Errorf("%+v", r)
	}
	for _, node := range shown(newParser(&system{out: new(bytes.Buffer), err: new(bytes.Buffer)})) {
		if !strings.Contains(r.err, "\n  "+node.Name+" ") || !strings.Contains(r.err, node.Help) {
			t.Errorf("no %s in\n%s", node.Name, r.err)
		}
	}
}

func TestHelpIsACommandToo(t *testing.T) {
	for _, command := range [][]string{{}, {"run"}, {"help"}} {
		want := bare(t, append(command[:len(command):len(command)], "--help")...).want(t, 0, "").out
		if got := bare(t, append([]string{"help"}, command...)...).want(t, 0, "").out; got != want || got == "" {
			t.Errorf("%q: %s", command, got)
		}
	}
	bare(t, "help", "lock").want(t, 2, "unexpected argument lock")
}

func TestWrongValuesAreToldInPlainWords(t *testing.T) {
	const durations = "give a duration such as 500ms, 30s, 5m or 1h30m"
	for line, want := range map[string]string{
		"acquire x --ttl -5s":         "natslock: acquire: --ttl: -5s is negative: " + durations,
		"acquire x --ttl=-5":          "natslock: acquire: --ttl: -5 is negative: " + durations,
		"acquire x --ttl 5":           "natslock: acquire: --ttl: 5 has no unit: write 5ms or 5s, or " + durations,
		"serve --default-expiry 1000": "natslock: serve: --default-expiry: 1000 has no unit: write 1000ms or 1000s, or " + durations,
		"acquire x --wait soon":       `natslock: acquire: --wait: "soon" is no duration: ` + durations,
		"acquire x --ttl --shared":    "natslock: acquire: --ttl: " + durations + "; --shared is another flag",
		"acquire x --ttl":             "natslock: acquire: --ttl: " + durations,
		"acquire x --ttl 1ms":         "natslock: acquire: --ttl: must be from 10ms to 24h",
		"acquire x --ttl 0s":          "natslock: acquire: --ttl: must be from 10ms to 24h",
		"acquire x --wait 25h":        "natslock: acquire: --wait: must be at most 24h",
		"acquire x --size -1":         "natslock: acquire: --size: want 0 to 1000000, got -1",
		"acquire x y x":               `natslock: acquire: the lock "x" is given twice`,
		"acquire x --size many":       `natslock: acquire: --size: "many" is no whole number`,
		"release x --token -1":        `natslock: release: --token: "-1" is no whole number`,
		"renew x --token 1 --ttl 9ms": "natslock: renew: --ttl: must be from 10ms to 24h",
		"acquire":                     `natslock: acquire: missing "<name> ..."`,
		"--server nats://a list":      "natslock: usage: --server goes after the command: natslock COMMAND --server",
		"--json list":                 "natslock: usage: --json goes after the command",
		"--no-such list":              "natslock: usage: unknown flag --no-such (see natslock --help)",
	} {
		if r := bare(t, strings.Fields(line)...).want(t, 2, want); strings.Contains(r.err, "_ms") || strings.Contains(r.err, "session") {
			t.Errorf("%s: %s", line, r.err)
		}
	}
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

func TestNamesAreThoseOfHeldLocksThatAShellTakesAsTheyAre(t *testing.T) {
	for _, name := range []string{"a/1", "a/2", "b", "a b", "a$(reboot)", "a;b", "a'b", "a\x1b", "-a", "a\nb", "a=b"} {
		ok(t, "acquire", "--", name)
	}
	defer func(d time.Duration) { namesPatience = d }(namesPatience)
	quick := namesPatience
	namesPatience = time.Minute
	if got := ok(t, "names", "--", "a"); got != "a/1\na/2" {
		t.Errorf("%q", got)
	}
	for _, line := range [][]string{
		{"inspect", "--server", server.URL, "--realm", realm(t)}, {"inspect", "--server=" + server.URL, "--realm=" + realm(t), "--"},
		{"inspect", "--server", "=", server.URL, "--realm", "=", realm(t), "b"},
	} {
		if got := bare(t, append([]string{"names", "--", "b", "natslock"}, line...)...).want(t, 0, "").out; got != "b\n" {
			t.Errorf("%q: %q", line, got)
		}
	}
	if r := bare(t, "names", "--server", "nats://127.0.0.1:1", "--", "a"); r.status != 1 || r.out+r.err != "" {
		t.Errorf("nobody there: %+v", r)
	}
	namesPatience = quick
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }()
	if r := bare(t, "names", "--server", "nats://"+silent.Addr().String(), "--", "a"); r.status != 1 || r.out+r.err != "" {
		t.Errorf("no answer: %+v", r)
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
		"serve --ech": "", "inspect --rea": "--realm", "watch --type f": "forced",
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
