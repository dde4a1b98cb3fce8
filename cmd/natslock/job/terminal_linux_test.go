package job

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
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

// screen is a terminal with a program on it.
type screen struct {
	t      *testing.T
	master *os.File
	seen   string
	chunks chan string // unbounded enough for a test
	cmd    *exec.Cmd
}

// open starts a program as the leader of a session on a new terminal.
func open(t *testing.T, cmd *exec.Cmd) *screen {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = tty.Close()
	s := &screen{t: t, master: master, cmd: cmd, chunks: make(chan string, 1000)}
	go s.read()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = master.Close() // hangs up: the kernel tells all who are left
	})
	return s
}

func (s *screen) read() {
	defer close(s.chunks)
	buf := make([]byte, 4096)
	for {
		n, err := s.master.Read(buf)
		if n > 0 {
			s.chunks <- string(buf[:n])
		}
		if err != nil {
			return
		}
	}
}

func (s *screen) write(keys string) {
	s.t.Helper()
	if _, err := s.master.WriteString(keys); err != nil {
		s.t.Fatal(err)
	}
}

// expect reads until it has seen want, and forgets what came before it.
func (s *screen) expect(want string) {
	s.t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		if _, rest, ok := strings.Cut(s.seen, want); ok {
			s.seen = rest
			return
		}
		select {
		case chunk, ok := <-s.chunks:
			if !ok {
				s.t.Fatalf("the terminal closed before %q; seen %q", want, s.seen)
			}
			s.seen += chunk
		case <-deadline:
			s.t.Fatalf("waited in vain for %q; seen %q", want, s.seen)
		}
	}
}

func (s *screen) exit() int {
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
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
func shell(t *testing.T) *screen {
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
