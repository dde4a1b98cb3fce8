package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/natslock/natslock/cmd/natslock/screen"
	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// onTerminal runs a command in a process on a terminal.
func onTerminal(t *testing.T, args ...string) *screen.Screen {
	t.Helper()
	return onTerminalOf(t, 0, args...)
}

// onTerminalOf is onTerminal with a terminal of so many columns.
func onTerminalOf(t *testing.T, columns uint16, args ...string) *screen.Screen {
	t.Helper()
	s, err := screen.OpenSized(process(t, append(args[:1:1], append(callerFlags(t), args[1:]...)...)...), columns)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// expect reads until want is shown.
func expect(t *testing.T, s *screen.Screen, want string) string {
	t.Helper()
	before, err := s.Expect(want)
	if err != nil {
		t.Fatal(err)
	}
	return before
}

func typeKeys(t *testing.T, s *screen.Screen, keys string) {
	t.Helper()
	if err := s.Type(keys); err != nil {
		t.Fatal(err)
	}
}

func wantExit(t *testing.T, s *screen.Screen, want int) {
	t.Helper()
	if got, err := s.Wait(); err != nil || got != want {
		t.Errorf("status %d, %v, want %d", got, err, want)
	}
}

func TestTablesAreAlignedOnATerminal(t *testing.T) {
	ok(t, "acquire", "a", "--client", "c1", "--owner", "o1")
	ok(t, "acquire", "鍵-and-more", "--client", "c2", "--owner", "o2", "--ttl", "1h")
	s := onTerminal(t, "list")
	expect(t, s, "NAME         STATE  MODE       CLIENT  OWNER  TOKEN")
	for _, want := range []string{
		`a            held   exclusive  c1      o1     \d{15,}  in \S+ +\d\d:\d\d:\d\d \([\d.hms]+ ago\) +- +-\r`,
		`鍵-and-more  held   exclusive  c2      o2     \d{15,}  in \S+ +\d\d:\d\d:\d\d \([\d.hms]+ ago\) +- +-\r`,
	} {
		expect(t, s, "\n")
		if line := expect(t, s, "-\r") + "-\r"; !regexp.MustCompile("^" + want + "$").MatchString(line) {
			t.Errorf("%q does not match %s", line, want)
		}
	}
	wantExit(t, s, 0)
}

func TestTablesFitTheTerminal(t *testing.T) {
	name, client := strings.Repeat("long-name/", 12), strings.Repeat("user@", 10)+"host"
	token := ok(t, "acquire", name, "--client", client, "--meta", "why="+strings.Repeat("because ", 20))
	for _, columns := range []uint16{80, 120, 200} {
		for _, command := range [][]string{{"list"}, {"inspect", name}} {
			s := onTerminalOf(t, columns, command...)
			expect(t, s, "NAME")
			expect(t, s, "\r\n")
			row := expect(t, s, "\r\n")
			if got := text.Width(row); got > int(columns) || !strings.Contains(row, token) || !strings.Contains(row, " ago") {
				t.Errorf("%d columns: %d: %s", columns, got, row)
			}
			wantExit(t, s, 0)
		}
	}
	if got := ok(t, "list"); !strings.HasPrefix(got, name+"\t") {
		t.Errorf("cut in a pipe: %s", got)
	}
}

func TestAcquireShowsATableOnATerminal(t *testing.T) {
	s := onTerminal(t, "acquire", "x", "--owner", "o", "--ttl", "1m")
	expect(t, s, "NAME  TOKEN            OWNER  TTL\r\nx     ")
	expect(t, s, "  o      1m0s\r\n")
	wantExit(t, s, 0)
}

// What a slow start waits for is there while it waits, and no longer.
func TestSlowStartSaysWhatItWaitsFor(t *testing.T) {
	s, err := screen.OpenSized(process(t, "serve", "--nats-url", plainNATS(t, false)), 70)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	expect(t, s, "\r\x1b[Knatslock: not ready yet: the store is not there yet")
	typeKeys(t, s, "\x03")
	expect(t, s, "\r\x1b[K")
	wantExit(t, s, 0)
}

func TestForceAsksFirst(t *testing.T) {
	ok(t, "acquire", "x", "--client", "worker-7")
	no := onTerminal(t, "force", "x")
	expect(t, no, "x is held by worker-7, ")
	expect(t, no, "End it? [y/N] ")
	typeKeys(t, no, "\n")
	expect(t, no, "natslock: force x: nothing was done")
	wantExit(t, no, 1)
	interrupted := onTerminal(t, "force", "x")
	expect(t, interrupted, "End it? [y/N] ")
	typeKeys(t, interrupted, "\x03")
	wantExit(t, interrupted, 130)
	if got := ok(t, "inspect", "x"); !strings.Contains(got, "held") {
		t.Error(got)
	}
	yes := onTerminal(t, "force", "x")
	expect(t, yes, "End it? [y/N] ")
	typeKeys(t, yes, "y\n")
	expect(t, yes, "released: was held by worker-7")
	wantExit(t, yes, 0)
	unasked := onTerminal(t, "force", "x", "--yes")
	expect(t, unasked, "natslock: force x: not_held")
	wantExit(t, unasked, 1)
}

func TestRunSaysWhatItWaitsForAndGivesTheTerminalToItsCommand(t *testing.T) {
	token := ok(t, "acquire", "x", "--client", "worker-7")
	queued := when(t, schema.EventQueued)
	before := startRun(t, "true", "--client", "before")
	queued()
	s := onTerminal(t, "run", "x", "--", "sh", "-c", "read line; echo got $line")
	expect(t, s, `natslock: waiting for "x": held by worker-7 since `)
	expect(t, s, " ago), 1 before you\r\n")
	ok(t, "release", "x", "--token", token)
	typeKeys(t, s, "keys\n")
	expect(t, s, "got keys")
	wantExit(t, s, 0)
	before.end(t, 0)
}

func TestAcquireSaysOnATerminalWhatItWaitsFor(t *testing.T) {
	token := ok(t, "acquire", "x", "--client", "worker-7")
	queued := when(t, schema.EventQueued)
	before := startRun(t, "true", "--client", "before")
	queued()
	s := onTerminal(t, "acquire", "x", "--wait", "1m")
	expect(t, s, `natslock: waiting for "x": held by worker-7 since `)
	expect(t, s, " ago), 1 before you\r\n")
	several := onTerminal(t, "acquire", "x", "y", "--wait", "1m")
	expect(t, several, `natslock: waiting for "x": held by worker-7 since `)
	expect(t, several, " ago)\r\n")
	typeKeys(t, several, "\x03")
	wantExit(t, several, 130)
	ok(t, "release", "x", "--token", token)
	before.end(t, 0)
	expect(t, s, "NAME  TOKEN")
	wantExit(t, s, 0)
}

func TestNothingIsSaidOfWaitingWhereNobodyReadsIt(t *testing.T) {
	ok(t, "acquire", "x")
	quiet := map[*screen.Screen][]string{}
	for _, args := range [][]string{
		{"acquire", "x", "--wait", "1500ms", "--quiet"}, {"acquire", "x", "--wait", "1500ms", "--json"},
		{"run", "--wait", "1500ms", "-q", "x", "--", "true"}, {"run", "--wait", "1500ms", "--json", "x", "--", "true"},
	} {
		quiet[onTerminal(t, args...)] = args
	}
	for s, args := range quiet {
		if said := expect(t, s, "\r\n"); strings.Contains(said, "waiting") || !strings.Contains(said, "time") && !strings.Contains(said, "within") {
			t.Errorf("%q: %s", args, said)
		}
	}
}

func TestWatchIsForPeopleOnATerminal(t *testing.T) {
	s := onTerminal(t, "watch")
	expect(t, s, "watching realm")
	ok(t, "acquire", "x\x1b[2J", "--client", "c", "--owner", "o")
	expect(t, s, "  granted   x\\x1b[2J  c  owner=o  token=")
	typeKeys(t, s, "\x03")
	wantExit(t, s, 130)
}

func TestBenchShowsItsProgressOnOneLine(t *testing.T) {
	s, err := screen.Open(process(t, append(quick, "--server", server.URL, "--only", "separate", "--callers", "1")...))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	expect(t, s, "\r\x1b[Kseparate names, 1 callers: echo, round 1 of 2")
	expect(t, s, "\r\x1b[Kseparate names, 1 callers: natslock, round 2 of 2")
	expect(t, s, "\r\x1b[K")
	expect(t, s, "CALLERS  PAIRS/S")
	wantExit(t, s, 0)
}
