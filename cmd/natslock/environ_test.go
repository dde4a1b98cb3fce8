package main

import (
	"bytes"
	"slices"
	"strings"
	"syscall"
	"testing"
)

func TestVariablesThatSetNothingAreFound(t *testing.T) {
	known := []string{"NATSLOCK_NATS", "NATSLOCK_NATS_URL", "NATSLOCK_HTTP", "NATSLOCK_LDLM_PASSWORD"}
	got := strange([]string{
		"NATSLOCK_HTP=1", "PATH=/bin", "NATSLOCK_NATS_URL=nats://a", "NATSLOCK_HTTP=", "NATS_URL=x", "NATSLOCK_BASE=b=c",
		"NATSLOCK_HELD_TOKEN=1", "NATSLOCK_SERVICE_HOST=10.0.0.1", "NATSLOCK_SERVICE_PORT_HTTP=80", "NATSLOCK_PORT=tcp://10.0.0.1:80",
		"NATSLOCK_DOOR_PORT_80_TCP_ADDR=10.0.0.1",
	}, known)
	if want := []string{"NATSLOCK_BASE", "NATSLOCK_HTP"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for name, want := range map[string]string{
		"NATSLOCK_HTP": "NATSLOCK_HTTP", "NATSLOCK_NATSURL": "NATSLOCK_NATS_URL", "NATSLOCK_http": "NATSLOCK_HTTP",
		"NATSLOCK_LDLM_PASS": "NATSLOCK_LDLM_PASSWORD", "NATSLOCK_SOMETHING_ELSE": "", "NATSLOCK_": "",
	} {
		if got := nearest(name, known); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "abc", 0}, {"", "abc", 3}, {"abc", "", 3}, {"kitten", "sitting", 3}, {"ab", "ba", 2}} {
		if got := distance(c.a, c.b); got != c.want {
			t.Errorf("%q to %q: %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// TestEveryVariableOfAFlagIsKnown has those of other commands pass, which whoever has
// set them for these has set for serve, too.
func TestEveryVariableOfAFlagIsKnown(t *testing.T) {
	known := environs(newParser(&system{out: new(bytes.Buffer), err: new(bytes.Buffer)}).Model.Node)
	for _, name := range []string{"NATSLOCK_HTTP", "NATSLOCK_AUTH_PASSWORD", "NATSLOCK_SERVER", "NATSLOCK_LOG_LEVEL", "NATSLOCK_TTL"} {
		if !slices.Contains(known, name) {
			t.Errorf("%s is not known", name)
		}
	}
}

func TestAMisspelledVariableIsToldAtTheStart(t *testing.T) {
	t.Setenv("NATSLOCK_DEFAULT_TTTL", "1m")
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0")
	defer s.stop(t, syscall.SIGTERM)
	if want := "variable=NATSLOCK_DEFAULT_TTTL nearest=NATSLOCK_DEFAULT_TTL"; !strings.Contains(strings.Join(s.lines, "\n"), want) {
		t.Errorf("no %s in %q", want, s.lines)
	}
}
