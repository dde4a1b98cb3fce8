package job

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"testing"

	"github.com/natslock/natslock/cmd/natslock/screen"
)

func TestCommandDiesWithItsParent(t *testing.T) {
	p := program("sh", "-c", "echo up; exec sleep 60")
	out, err := p.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(out)
	expectLine(t, r, "up")
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the command outlived its parent: %v", err)
	}
	_ = p.Wait()
}

// onScreen is a screen whose failures end the test.
type onScreen struct {
	t *testing.T
	s *screen.Screen
}

func open(t *testing.T, cmd *exec.Cmd) *onScreen {
	t.Helper()
	s, err := screen.Open(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return &onScreen{t, s}
}

func (o *onScreen) write(keys string) {
	o.t.Helper()
	if err := o.s.Type(keys); err != nil {
		o.t.Fatal(err)
	}
}

func (o *onScreen) expect(want string) {
	o.t.Helper()
	if _, err := o.s.Expect(want); err != nil {
		o.t.Fatal(err)
	}
}

func (o *onScreen) exit() int {
	o.t.Helper()
	status, err := o.s.Wait()
	if err != nil {
		o.t.Fatal(err)
	}
	return status
}

func TestCommandReadsFromTheTerminal(t *testing.T) {
	s := open(t, program("sh", "-c", "echo up; read x; echo got $x; exit 4"))
	s.expect("up")
	s.write("hello\n")
	s.expect("got hello")
	if got := s.exit(); got != 4 {
		t.Error(got)
	}
}

func TestInterruptKeyReachesTheCommandOnce(t *testing.T) {
	s := open(t, program("sh", "-c", "trap 'n=x$n' INT; echo up; read x; echo n=$n.; exit 9"))
	s.expect("up")
	s.write("\x03\n")
	s.expect("n=x.")
	if got := s.exit(); got != 9 {
		t.Error(got)
	}
}

func TestSuspendKeyIsUndoneWhereNoShellLooksAfterTheJob(t *testing.T) {
	s := open(t, program("sh", "-c", "echo up; read x; echo got $x"))
	s.expect("up")
	s.write("\x1a")
	s.write("on\n")
	s.expect("got on")
	if got := s.exit(); got != 0 {
		t.Error(got)
	}
}

// shell is an interactive bash in which "job" runs its arguments as a job. What
// is typed is echoed, so tests expect what only the commands' output has.
func shell(t *testing.T) *onScreen {
	t.Helper()
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Fatalf("these tests need bash, for its job control: %v", err)
	}
	cmd := exec.Command(bash, "--norc", "--noprofile", "--noediting", "-i")
	cmd.Env = append(os.Environ(), "PS1=@ ", "HISTFILE=")
	s := open(t, cmd)
	s.write("job() { JOB_TEST_RUN=1 " + os.Args[0] + " \"$@\"; }\n")
	s.expect("\n@ ")
	return s
}

func TestJobControlStopsAndContinuesInTheForeground(t *testing.T) {
	s := shell(t)
	s.write("job sh -c 'echo $((40+2)); read x; echo got $x; exit 6'\n")
	s.expect("42")
	s.write("\x1a")
	s.expect("Stopped")
	s.expect("@ ")
	s.write("fg\n")
	s.expect("fg")
	s.write("more\n")
	s.expect("got more")
	s.expect("@ ")
	s.write("echo status=$?\n")
	s.expect("status=6")
}

func TestJobControlContinuesInTheBackground(t *testing.T) {
	s := shell(t)
	s.write("job sh -c 'echo $((40+2)); exec sleep 60'\n")
	s.expect("42")
	s.write("\x1a")
	s.expect("Stopped")
	s.expect("@ ")
	s.write("bg\n")
	s.expect("&")
	s.write("kill %1; wait %1; echo status=$?\n")
	s.expect("status=143")
}

func TestBackgroundJobThatReadsStopsUntilItIsInTheForeground(t *testing.T) {
	s := shell(t)
	s.write("job sh -c 'read x; echo got $x' &\n")
	s.expect("@ ")
	s.write("while jobs | grep -q Running; do :; done; jobs\n")
	s.expect("Stopped")
	s.expect("@ ")
	s.write("fg\n")
	s.expect("fg")
	s.write("hello\n")
	s.expect("got hello")
	s.expect("@ ")
}

func TestPipelineLeavesTheTerminalToItsOtherEnd(t *testing.T) {
	s := shell(t)
	s.write("job sh -c 'echo data; exec sleep 60' | sh -c 'read d; echo $d up; read x </dev/tty; echo $x too'\n")
	s.expect("data up")
	s.write("keys\n")
	s.expect("keys too")
	s.write("\x03")
	s.expect("@ ")
	s.write("echo status=${PIPESTATUS[0]}\n")
	s.expect("status=130")
}

func TestPipelineCommandGetsTheTerminalWhenItAsks(t *testing.T) {
	s := shell(t)
	s.write("job sh -c 'echo $((40+2)) >&2; read x; echo $x!' | cat\n")
	s.expect("42")
	s.write("asked\n")
	s.expect("asked!")
	s.expect("@ ")
}
