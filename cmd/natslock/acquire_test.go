package main

import (
	"errors"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/schema"
)

func TestAcquirePrintsTheTokenAlone(t *testing.T) {
	token := ok(t, "acquire", "orders/42")
	if _, err := strconv.ParseUint(token, 10, 64); err != nil {
		t.Fatalf("%q is no token", token)
	}
	if got := ok(t, "release", "orders/42", "--token", token); got != "released" {
		t.Error(got)
	}
	natslock(t, "release", "orders/42", "--token", token).want(t, 1, "release orders/42: not_held")
}

func TestAcquireOfAHeldLockSaysWhoHasIt(t *testing.T) {
	token := ok(t, "acquire", "x", "--client", "worker-7", "--owner", "job-3")
	r := natslock(t, "acquire", "x").want(t, 1, "natslock: acquire x: x is held by worker-7, owner job-3, token "+token+", since ")
	if r.out != "" {
		t.Errorf("stdout: %s", r.out)
	}
}

func TestJSONIsTheProtocolsReply(t *testing.T) {
	granted := object(t, ok(t, "acquire", "x", "--json", "--owner", "o", "--ttl", "5s"))
	token := granted["token"]
	want := map[string]any{"status": "granted", "name": "x", "token": token, "owner": "o", "ttl_ms": 5000.0, "count": 1.0}
	if diff := cmp.Diff(want, granted); diff != "" {
		t.Error(diff)
	}
	r := natslock(t, "acquire", "x", "--json")
	if held := object(t, r.out); r.status != 1 || r.err != "" || held["status"] != "held" {
		t.Errorf("%+v", r)
	}
}

func TestAcquireTakesSeveralLocksOrNone(t *testing.T) {
	rows := strings.Split(ok(t, "acquire", "b", "a"), "\n")
	if len(rows) != 2 || !strings.HasPrefix(rows[0], "b\t") || !strings.HasPrefix(rows[1], "a\t") {
		t.Fatalf("%q", rows)
	}
	natslock(t, "acquire", "c", "a").want(t, 1, "acquire c a: a is held by")
	if got := ok(t, "inspect", "c"); !strings.HasPrefix(got, "c\tfree\t") {
		t.Error(got)
	}
}

func TestAcquireWaitsItsTurn(t *testing.T) {
	token := ok(t, "acquire", "x")
	queued := when(t, schema.EventQueued)
	done := make(chan result)
	go func() { done <- natslock(t, "acquire", "x", "--wait", "1m", "--quiet") }()
	queued()
	ok(t, "release", "x", "--token", token)
	r := (<-done).want(t, 0, "")
	if next, err := strconv.ParseUint(strings.TrimSpace(r.out), 10, 64); err != nil || token >= strconv.FormatUint(next, 10) {
		t.Errorf("token %s after %s", r.out, token)
	}
}

func TestAcquireGivesUpWaitingInTime(t *testing.T) {
	ok(t, "acquire", "x")
	natslock(t, "acquire", "x", "--wait", "20ms").want(t, 1, "acquire x: timeout: not granted within 20ms")
}

func TestRepeatedRequestTakesNothingTwice(t *testing.T) {
	first := ok(t, "acquire", "x", "--request", "r1")
	if again := ok(t, "acquire", "x", "--request", "r1"); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	natslock(t, "acquire", "x", "--request", "r2").want(t, 1, "held")
}

func TestSameOwnerGetsTheSameHold(t *testing.T) {
	first := ok(t, "acquire", "x", "--owner", "o")
	if again := ok(t, "acquire", "x", "--owner", "o"); again != first {
		t.Errorf("%s, then %s", first, again)
	}
	if got := ok(t, "release", "x", "--owner", "o"); got != "released" {
		t.Error(got)
	}
}

func TestSemaphoreHasAsManyHoldersAsItsSize(t *testing.T) {
	ok(t, "acquire", "x", "--size", "2")
	ok(t, "acquire", "x", "--size", "2")
	natslock(t, "acquire", "x", "--size", "2").want(t, 1, "and 1 more")
	natslock(t, "acquire", "x", "--size", "3").want(t, 1, "natslock: acquire x: size_mismatch: x is held shared by at most 2, and was asked for shared by at most 3")
	natslock(t, "acquire", "x", "--shared").want(t, 1, "size_mismatch: x is held shared by at most 2, and was asked for shared by any number")
	ok(t, "acquire", "y", "--client", "c", "--owner", "o")
	natslock(t, "acquire", "y", "--client", "c", "--owner", "o", "--size", "2").want(t, 1, "y is held exclusively, and was asked for shared by at most 2")
}

func TestMetaIsMergedFromTextAndJSON(t *testing.T) {
	ok(t, "acquire", "x", "--meta", "job=copy, or so", "--meta", `{"n":1,"job2":{"a":[1]}}`, "--meta", "n=2=2")
	reply := object(t, ok(t, "inspect", "x", "--json"))
	holder := reply["locks"].([]any)[0].(map[string]any)["holders"].([]any)[0].(map[string]any)
	want := map[string]any{"job": "copy, or so", "n": "2=2", "job2": map[string]any{"a": []any{1.0}}}
	if diff := cmp.Diff(want, holder["meta"]); diff != "" {
		t.Error(diff)
	}
}

func TestNonsenseIsRefusedAsUsage(t *testing.T) {
	for _, args := range [][]string{
		{""}, {strings.Repeat("x", 513)}, {"bad\xffutf8"}, {"a", "a"},
		{"x", "--ttl", "1ms"}, {"x", "--ttl", "25h"}, {"x", "--ttl", "5"}, {"x", "--ttl", "1.5ms"}, {"x", "--ttl=-5s"},
		{"x", "--wait", "25h"}, {"x", "--wait=-1s"}, {"x", "--wait", "1us"},
		{"x", "--size=-1"}, {"x", "--size", "many"}, {"x", "--size", "0"}, {"x", "--shared", "--size=0"}, {"x", "--size", "1000001"}, {"x", "--owner", strings.Repeat("o", 129)},
		{"x", "--meta", "novalue"}, {"x", "--meta", "=v"}, {"x", "--meta", "{broken"}, {"x", "--meta", `{"a":1} trailing`},
		{"x", "--meta", "long=" + strings.Repeat("x", 5000)}, {"x", "--realm", ""}, {"x", "--timeout", "0s"}, {"x", "--bogus"},
		{"x", "--nats-tls-cert", "only.pem"}, {},
	} {
		if r := natslock(t, append([]string{"acquire"}, args...)...); r.status != 2 {
			t.Errorf("%.80q: %+v", args, r)
		}
	}
	if got := ok(t, "list"); got != "" {
		t.Errorf("something is held: %s", got)
	}
}

func TestHostileNameCannotDriveTheTerminal(t *testing.T) {
	name := "x\x1b[2J\r\n\tnatslock: all is well\x00\u202e\u009b31m\x7f\u2028\U000e0001"
	ok(t, "acquire", name, "--owner", "\x1b]0;o\a")
	r := natslock(t, "acquire", name).want(t, 1, `x\x1b[2J\r\n\tnatslock: all is well\x00\u202e`)
	for _, text := range []string{
		r.err, ok(t, "list"), ok(t, "inspect", name), ok(t, "list", "--json"), ok(t, "inspect", name, "--json"),
		natslock(t, "acquire", name, "--json").out,
	} {
		if strings.ContainsAny(text, "\x1b\r\x00\a\u202e\u009b\x7f\u2028\U000e0001") {
			t.Errorf("%q", text)
		}
	}
	if got := object(t, ok(t, "list", "--json"))["name"]; got != name {
		t.Errorf("%q", got)
	}
}

func TestRenewRestartsTheTimeOfAHold(t *testing.T) {
	token := ok(t, "acquire", "x", "--ttl", "10s")
	if got := ok(t, "renew", "x", "--token", token, "--ttl", "1h"); got != "renewed for 1h0m0s" {
		t.Error(got)
	}
	text := strings.Split(ok(t, "inspect", "x"), "\t")[6]
	if left, err := time.ParseDuration(text); err != nil || left > time.Hour || left < 50*time.Minute {
		t.Errorf("%s, %v", text, err)
	}
	natslock(t, "renew", "x", "--token", "1").want(t, 1, "renew x: not_held")
	natslock(t, "renew", "x").want(t, 2, "missing flags: --token")
}

// A token that could not be written holds its lock for nobody.
func TestAcquireGivesBackWhatItCannotTell(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for _, names := range [][]string{{"x"}, {"y", "z"}} {
		var said strings.Builder
		args := append(append([]string{"acquire"}, callerFlags(t)...), names...)
		status := Main(t.Context(), args, &system{in: strings.NewReader(""), out: full, err: &said})
		if status != 3 || !strings.Contains(said.String(), "no space left") {
			t.Errorf("status %d: %s", status, said.String())
		}
		for _, name := range names {
			ok(t, "acquire", name)
		}
	}
}

func TestReleaseNeedsOneWayToNameTheHold(t *testing.T) {
	token := ok(t, "acquire", "x", "--owner", "o")
	natslock(t, "release", "x").want(t, 2, "--token or --owner")
	natslock(t, "release", "x", "--token", token, "--owner", "o").want(t, 2, "not both")
	t.Setenv("NATSLOCK_TOKEN", "1")
	if got := ok(t, "release", "x", "--owner", "o"); got != "released" {
		t.Error(got)
	}
	token = ok(t, "acquire", "x")
	t.Setenv("NATSLOCK_OWNER", "other")
	natslock(t, "release", "x").want(t, 2, "not both")
	if got := ok(t, "release", "x", "--token", token); got != "released" {
		t.Error(got)
	}
}

func TestClientNamesTheSubjectAndGuardsItsHolds(t *testing.T) {
	token := ok(t, "acquire", "x", "--client", "a")
	natslock(t, "release", "x", "--token", token, "--client", "b").want(t, 4, "denied")
	if got := ok(t, "release", "x", "--token", token, "--client", "a"); got != "released" {
		t.Error(got)
	}
}

func TestFlagsComeFromTheEnvironment(t *testing.T) {
	t.Setenv("NATSLOCK_SERVER", server.URL)
	t.Setenv("NATSLOCK_REALM", realm(t))
	t.Setenv("NATSLOCK_TTL", "1h")
	t.Setenv("NATSLOCK_VERSION", "1.2.3") // somebody's build variable, not a flag
	bare(t, "acquire", "x").want(t, 0, "")
	text := strings.Split(ok(t, "inspect", "x"), "\t")[6]
	if left, err := time.ParseDuration(text); err != nil || left > time.Hour || left < 50*time.Minute {
		t.Errorf("%s, %v", text, err)
	}
	t.Setenv("NATSLOCK_TTL", "soon")
	bare(t, "acquire", "y").want(t, 2, `NATSLOCK_TTL="soon"`)
}

func TestNobodyThereIsStatus3(t *testing.T) {
	bare(t, "acquire", "x", "--server", "nats://user:secret@127.0.0.1:1").want(t, 3,
		`natslock: connect to nats://127.0.0.1:1: no server answers there: is "natslock serve" running?`)
}

// A program reads what has happened where it reads answers.
func TestWhoAskedForJSONIsToldOfFailuresInIt(t *testing.T) {
	away := "nats://127.0.0.1:1"
	for _, c := range []struct {
		status int
		want   schema.Status
		says   string
		args   []string
	}{
		{3, schema.StatusUnavailable, "no server answers there", []string{"acquire", "x", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"acquire", "x", "--hold", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"release", "x", "--token", "1", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"renew", "x", "--token", "1", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"inspect", "x", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"sessions", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"list", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"force", "x", "--server", away}},
		{3, schema.StatusUnavailable, "no server answers there", []string{"watch", "--server", away}},
		{3, schema.StatusUnavailable, "tried for 50ms", []string{"list", "--server", away, "--timeout", "50ms"}},
		{2, schema.StatusInvalid, "--ttl", []string{"acquire", "x", "--ttl", "1ms"}},
		{2, schema.StatusInvalid, "--token or --owner", []string{"release", "x"}},
		{1, schema.StatusNotHeld, "", []string{"release", "x", "--token", "1"}},
	} {
		r := bare(t, append(c.args, "--json")...)
		if c.want == schema.StatusNotHeld {
			r = natslock(t, append(c.args, "--json")...)
		}
		if r.status != c.status || r.err != "" || strings.Count(r.out, "\n") != 1 {
			t.Errorf("%q: %+v", c.args, r)
			continue
		}
		reply := object(t, r.out)
		if message, _ := reply["message"].(string); reply["status"] != string(c.want) || !strings.Contains(message, c.says) {
			t.Errorf("%q: %s", c.args, r.out)
		}
	}
}

// What standard output does not take is told on standard error.
func TestFailureThatCannotBePrintedIsToldAllTheSame(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var said strings.Builder
	status := Main(t.Context(), []string{"list", "--json", "--server", "nats://127.0.0.1:1"}, &system{in: strings.NewReader(""), out: full, err: &said})
	if status != 3 || !strings.Contains(said.String(), "no server answers there") || !strings.Contains(said.String(), "no space left") {
		t.Errorf("status %d: %s", status, said.String())
	}
}

// --timeout is for a server that is not up yet, too.
func TestTimeoutIsForConnectingToo(t *testing.T) {
	early, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := early.Addr().String()
	done := make(chan result)
	go func() { done <- bare(t, "acquire", "x", "--server", "nats://"+address, "--timeout", "1m") }()
	first, err := early.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(first.Close(), early.Close()); err != nil { // from now on the port refuses
		t.Fatal(err)
	}
	s := startServe(t, "--data", t.TempDir(), "--nats", address, "--sync", "1h")
	(<-done).want(t, 0, "")
	s.stop(t, syscall.SIGTERM)
	bare(t, "acquire", "x", "--server", "nats://u:secret@"+address, "--timeout", "2s").want(t, 3,
		"natslock: connect to nats://"+address+`: no server answers there: tried for 2s: is "natslock serve" running?`)
}

func TestRoughDurationsAreShort(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 1234567: "1ms", 1500 * time.Millisecond: "1.5s", 90 * time.Second: "1m30s", 5 * time.Minute: "5m",
		time.Hour: "1h", 90 * time.Minute: "1h30m", 75 * time.Hour: "3d3h",
	} {
		if got := rough(d); got != want {
			t.Errorf("%v: %s, want %s", d, got, want)
		}
	}
}
