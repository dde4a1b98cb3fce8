package job

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

func init() { runtime.LockOSThread() }

// TestMain lets the test binary stand in for a program that runs a job: its
// arguments.
func TestMain(m *testing.M) {
	if os.Getenv("JOB_TEST_RUN") == "" {
		heed()
		os.Exit(m.Run())
	}
	cmd := exec.Command(os.Args[1], os.Args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	j := Job{Cmd: cmd, Signals: Signals(), Grace: time.Second}
	exit, err := j.Run(context.Background())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		exit.Status = StartStatus(err)
	}
	os.Exit(exit.Status)
}

// heed makes signals arrive that whoever started the tests ignores, as nohup
// does: a command hands that on to its own, and the tests would wait for ever.
func heed() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

// program is this test binary running a job.
func program(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "JOB_TEST_RUN=1")
	return cmd
}

// start runs a shell script as a job in this process. Its output is read
// through the returned reader, which ends when no process has it open; what is
// sent to the returned channel is passed on.
func start(t *testing.T, ctx context.Context, grace time.Duration, script string) (chan<- os.Signal, *bufio.Reader, <-chan Exit) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	signals := make(chan os.Signal, 1)
	j := &Job{Cmd: exec.Command("sh", "-c", script), Signals: signals, Grace: grace}
	j.Cmd.Stdout = w
	done := make(chan Exit, 1)
	go func() {
		exit, err := j.Run(ctx)
		if err != nil {
			t.Error(err)
		}
		_ = w.Close()
		done <- exit
	}()
	return signals, bufio.NewReader(r), done
}

func expectLine(t *testing.T, r *bufio.Reader, want string) {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil || strings.TrimSpace(line) != want {
		t.Fatalf("read %q, %v; want %q", line, err, want)
	}
}

func TestRunReturnsTheCommandsStatus(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 7": 7, "kill -9 $$": 137, "kill -TERM $$": 143} {
		_, _, done := start(t, t.Context(), time.Second, script)
		if got := <-done; got != (Exit{Status: want}) {
			t.Errorf("%s: %+v", script, got)
		}
	}
}

func TestRunPassesSignalsToTheWholeGroup(t *testing.T) {
	signals, out, done := start(t, t.Context(), time.Second,
		`trap 'wait; echo outer; exit 5' USR1; (trap 'echo inner; exit' USR1; echo up; while :; do sleep 1 & wait; done) & wait`)
	expectLine(t, out, "up")
	signals <- syscall.SIGUSR1
	expectLine(t, out, "inner")
	expectLine(t, out, "outer")
	if got := <-done; got.Status != 5 || got.Stopped {
		t.Errorf("%+v", got)
	}
}

func TestRunTerminatesTheGroupWhenTheContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, out, done := start(t, ctx, time.Minute, `trap 'echo bye; exit 3' TERM; (echo up; exec sleep 60) & wait`)
	expectLine(t, out, "up")
	cancel()
	expectLine(t, out, "bye")
	if got := <-done; got != (Exit{Status: 3, Stopped: true}) {
		t.Errorf("%+v", got)
	}
	if _, err := out.ReadByte(); err != io.EOF {
		t.Errorf("the command's child lives: %v", err)
	}
}

func TestRunTerminatesAStoppedCommand(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, out, done := start(t, ctx, time.Minute, `trap 'echo bye; exit 3' TERM; echo up; kill -STOP $$; exit 4`)
	expectLine(t, out, "up")
	cancel()
	expectLine(t, out, "bye")
	if got := <-done; got != (Exit{Status: 3, Stopped: true}) {
		t.Errorf("%+v", got)
	}
}

func TestRunKillsWhatIgnoresTERM(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, out, done := start(t, ctx, 10*time.Millisecond, `trap '' TERM; echo up; sleep 60`)
	expectLine(t, out, "up")
	cancel()
	if got := <-done; got != (Exit{Status: 137, Stopped: true}) {
		t.Errorf("%+v", got)
	}
	if _, err := out.ReadByte(); err != io.EOF {
		t.Errorf("the command's child lives: %v", err)
	}
}

func TestRunKillsWhatItsCommandLeftBehind(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, out, done := start(t, ctx, 100*time.Millisecond, `(trap '' TERM; echo up; sleep 60) & wait`)
	expectLine(t, out, "up")
	cancel()
	if got := <-done; got != (Exit{Status: 143, Stopped: true}) {
		t.Errorf("%+v", got)
	}
	if _, err := out.ReadByte(); err != io.EOF {
		t.Errorf("the command's child lives: %v", err)
	}
}

func TestStartStatusIsThatOfEnv(t *testing.T) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("neither script nor program"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]int{
		"no-such-command-here": 127, "/no/such/file": 127, "/etc/passwd": 126, "/tmp": 126,
	} {
		if _, err := Look(name); err == nil || StartStatus(err) != want {
			t.Errorf("%s: %v, %d", name, err, StartStatus(err))
		}
	}
	j := Job{Cmd: exec.Command(text)}
	if _, err := j.Run(t.Context()); err == nil || StartStatus(err) != 126 {
		t.Errorf("a file that is no program: %v", err)
	}
}

func TestSignalStatusIsThatOfAShell(t *testing.T) {
	if got := SignalStatus(syscall.SIGINT); got != 130 {
		t.Error(got)
	}
}
