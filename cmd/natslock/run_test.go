package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/natslock/natslock/schema"
)

// running is a run in a process of its own.
type running struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
	err strings.Builder
}

// startRun starts a shell script under the lock x, with the flags.
func startRun(t *testing.T, script string, flags ...string) *running {
	t.Helper()
	args := append(append([]string{"run"}, callerFlags(t)...), flags...)
	r := &running{cmd: process(t, append(args, "x", "--", "sh", "-c", script)...)}
	r.cmd.Stderr = &r.err
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewReader(out)
	if r.in, err = r.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return r
}

func (r *running) expect(t *testing.T, want string) {
	t.Helper()
	line, err := r.out.ReadString('\n')
	if err != nil || line != want+"\n" {
		t.Fatalf("read %q, %v, want %q; stderr: %s", line, err, want, &r.err)
	}
}

// end reads what is left of the output and waits for the status.
func (r *running) end(t *testing.T, want int) {
	t.Helper()
	if _, err := io.Copy(io.Discard, r.out); err != nil {
		t.Error(err)
	}
	_ = r.cmd.Wait()
	if got := r.cmd.ProcessState.ExitCode(); got != want {
		t.Errorf("status %d, want %d; stderr: %s", got, want, &r.err)
	}
}

func TestRunHoldsTheLockWhileTheCommandRuns(t *testing.T) {
	r := startRun(t, `echo "$NATSLOCK_HELD_NAME $NATSLOCK_HELD_REALM"; echo $NATSLOCK_HELD_TOKEN; read x; exit 7`, "--owner", "o", "--meta", "k=v")
	r.expect(t, "x "+realm(t))
	row := strings.Split(ok(t, "inspect", "x"), "\t")
	if row[1] != "held" || row[4] != "o" || row[8] != `{"k":"v"}` {
		t.Errorf("%q", row)
	}
	r.expect(t, row[5])
	if err := r.in.Close(); err != nil {
		t.Fatal(err)
	}
	r.end(t, 7)
	if got := ok(t, "inspect", "x"); !strings.HasPrefix(got, "x\tfree\t") {
		t.Errorf("after the command: %s", got)
	}
}

func TestRunPassesTheStatusOn(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -KILL $$": 137, "kill -TERM $$": 143} {
		r := startRun(t, script)
		r.end(t, want)
		if r.err.Len() > 0 {
			t.Errorf("%s: %s", script, &r.err)
		}
	}
	if got := ok(t, "list"); got != "" {
		t.Errorf("still held: %s", got)
	}
}

func TestRunKeepsStandardInputAndArgumentsAsTheyAre(t *testing.T) {
	cmd := process(t, append(append([]string{"run"}, callerFlags(t)...), "x", "--", "sh", "-c", `printf '%s|' "$@"; cat`, "sh", "--", "\xff", "--json", "")...)
	cmd.Stdin = strings.NewReader("in\x00put")
	out, err := cmd.Output()
	if err != nil || string(out) != "--|\xff|--json||in\x00put" {
		t.Errorf("%q, %v", out, err)
	}
	out, err = process(t, append(append([]string{"run"}, callerFlags(t)...), "x", "--", "echo", "-n", "--realm", "other")...).Output()
	if err != nil || string(out) != "--realm other" {
		t.Errorf("without --: %q, %v", out, err)
	}
}

func TestRunGivesTheLockToTheNextWaiter(t *testing.T) {
	first := startRun(t, "echo up; exec sleep 60")
	first.expect(t, "up")
	queued := when(t, schema.EventQueued)
	second := startRun(t, "echo second")
	queued()
	if err := first.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	first.end(t, 143)
	second.expect(t, "second")
	second.end(t, 0)
}

func TestRunPassesSignalsOn(t *testing.T) {
	for sig, name := range map[syscall.Signal]string{
		syscall.SIGINT: "INT", syscall.SIGTERM: "TERM", syscall.SIGHUP: "HUP", syscall.SIGQUIT: "QUIT",
		syscall.SIGUSR1: "USR1", syscall.SIGUSR2: "USR2",
	} {
		r := startRun(t, `trap 'echo got; exit 9' `+name+`; echo up; while :; do sleep 0.01; done`)
		r.expect(t, "up")
		if err := r.cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		r.expect(t, "got")
		r.end(t, 9)
	}
}

func TestRunStopsTheCommandWhenTheLockIsLost(t *testing.T) {
	r := startRun(t, `trap 'echo bye; exit 0' TERM; echo up; (echo inner; exec sleep 60) & wait`, "--ttl", "2s") // a holder learns of it when it renews
	r.expect(t, "up")
	r.expect(t, "inner")
	ok(t, "force", "x", "--reason", "maintenance")
	r.expect(t, "bye")
	r.end(t, 125)
	if !strings.Contains(r.err.String(), "natslock: run: the lock x was lost (ended by force: maintenance): its command was stopped") {
		t.Error(r.err.String())
	}
}

func TestRunSaysWhenTheLockWasLostUnnoticed(t *testing.T) {
	r := startRun(t, os.Args[0]+" release x --token $NATSLOCK_HELD_TOKEN --realm $NATSLOCK_HELD_REALM --server "+server.URL)
	r.expect(t, "released")
	r.end(t, 125)
	if !strings.Contains(r.err.String(), "natslock: run: the lock x was lost (its hold was released by others") {
		t.Error(r.err.String())
	}
}

func TestCommandThatCannotBeRunHasTheStatusOfEnv(t *testing.T) {
	natslock(t, "run", "x", "--", "no-such-command-here").want(t, 127, "natslock: run: exec: \"no-such-command-here\"")
	natslock(t, "run", "x", "--", "/etc/passwd").want(t, 126, "permission denied")
	if got := ok(t, "list"); got != "" {
		t.Errorf("still held: %s", got)
	}
}

func TestRunThatIsNotGrantedInTimeIsStatus124(t *testing.T) {
	ok(t, "acquire", "x", "--client", "worker-7")
	natslock(t, "run", "x", "--wait", "0s", "--", "true").want(t, 124, "natslock: run: x is held by worker-7, owner ")
	natslock(t, "run", "x", "--wait", "20ms", "--", "true").want(t, 124, "natslock: run: x was not granted within 20ms")
}

func TestRunOfItsOwnFailsWithStatus125(t *testing.T) {
	bare(t, "run", "--server", "nats://127.0.0.1:1", "x", "--", "true").want(t, 125, "no server answers there")
	natslock(t, "run", "--ttl", "1ms", "x", "--", "true").want(t, 125, "ttl")
	natslock(t, "run", "--meta", "broken", "x", "--", "true").want(t, 125, "--meta")
	natslock(t, "run", "--size", "0", "x", "--", "true").want(t, 125, "--size: 0 holders: give 1 or more")
}

func TestRunNamesItsCallerAndAnOwnerOfItsOwn(t *testing.T) {
	var owners []string
	for _, want := range []string{(&caller{}).label(), "worker-7"} {
		flags := []string{}
		if want == "worker-7" {
			flags = []string{"--client", want}
		}
		r := startRun(t, "echo up; read x; exit 0", flags...)
		r.expect(t, "up")
		row := strings.Split(ok(t, "inspect", "x"), "\t")
		if row[3] != want || !strings.HasPrefix(row[4], strconv.Itoa(r.cmd.Process.Pid)+"-") {
			t.Errorf("%q, want the client %s", row, want)
		}
		owners = append(owners, row[4])
		if err := r.in.Close(); err != nil {
			t.Fatal(err)
		}
		r.end(t, 0)
	}
	if owners[0] == owners[1] {
		t.Error(owners)
	}
}

func TestRunsOfOneCallerAreKeptApart(t *testing.T) {
	r := startRun(t, "echo up; read x; exit 0")
	r.expect(t, "up")
	natslock(t, "run", "--wait", "0s", "x", "--", "true").want(t, 124, "is held by "+(&caller{}).label())
	if err := r.in.Close(); err != nil {
		t.Fatal(err)
	}
	r.end(t, 0)
}

func TestRunSaysItsOwnFailuresInJSON(t *testing.T) {
	ok(t, "acquire", "x", "--client", "worker-7", "--size", "2")
	for _, c := range []struct {
		status int
		want   schema.Status
		says   string
		args   []string
	}{
		{124, schema.StatusHeld, "held by worker-7", []string{"--wait", "0s", "x", "--", "true"}},
		{124, schema.StatusTimeout, "within 20ms", []string{"--wait", "20ms", "x", "--", "true"}},
		{125, schema.StatusSizeMismatch, "shared by at most 2", []string{"--size", "3", "x", "--", "true"}},
		{125, schema.StatusInvalid, "--ttl", []string{"--ttl", "1ms", "x", "--", "true"}},
		{125, schema.StatusUnavailable, "no server", []string{"--server", "nats://127.0.0.1:1", "x", "--", "true"}},
		{125, schema.StatusNotHeld, "the lock y was lost", []string{"y", "--", "sh", "-c",
			os.Args[0] + " release y --token $NATSLOCK_HELD_TOKEN --realm $NATSLOCK_HELD_REALM --server " + server.URL}},
		{127, schema.StatusInvalid, "no-such-command", []string{"y", "--", "no-such-command"}},
	} {
		r := natslock(t, append([]string{"run", "--json"}, c.args...)...)
		if r.status != c.status || strings.Count(r.err, "\n") != 1 {
			t.Errorf("%q: %+v", c.args, r)
			continue
		}
		reply := object(t, r.err)
		if message, _ := reply["message"].(string); reply["status"] != string(c.want) || !strings.Contains(message, c.says) {
			t.Errorf("%q: %s", c.args, r.err)
		}
		if c.want == schema.StatusHeld && len(reply["holders"].([]any)) != 1 {
			t.Error(r.err)
		}
	}
	if r := natslock(t, "run", "--json", "y", "--", "sh", "-c", "exit 7"); r.status != 7 || r.err != "" {
		t.Errorf("of the command: %+v", r)
	}
}

func TestInterruptedWaitLeavesTheQueue(t *testing.T) {
	token := ok(t, "acquire", "x")
	queued, canceled := when(t, schema.EventQueued), when(t, schema.EventCanceled)
	r := startRun(t, "echo never", "--quiet")
	queued()
	if err := r.cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	r.end(t, 130)
	canceled()
	if r.err.Len() > 0 {
		t.Error(r.err.String())
	}
	ok(t, "release", "x", "--token", token)
}

func TestCommandDoesNotOutliveAKilledNatslock(t *testing.T) {
	r := startRun(t, "echo up; exec sleep 60")
	r.expect(t, "up")
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	r.end(t, -1) // its output ended, so nobody has it open any more
}
