//go:build linux

// Package screen runs a program on a terminal of its own and reads what it
// shows: for tests of what programs do on terminals only.
package screen

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// patience is how long Expect waits.
const patience = 20 * time.Second

// Screen is a terminal with a program on it.
type Screen struct {
	cmd    *exec.Cmd
	master *os.File
	chunks chan string // what was read; closed when no program has the terminal open
	seen   string
}

// Open starts a program as the leader of a session on a new terminal, which
// does not say how wide it is.
func Open(cmd *exec.Cmd) (*Screen, error) { return OpenSized(cmd, 0) }

// OpenSized is Open on a terminal of so many columns.
func OpenSized(cmd *exec.Cmd, columns uint16) (*Screen, error) {
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	s := &Screen{cmd: cmd, master: master, chunks: make(chan string, 1024)}
	if err := errors.Join(s.resize(columns), s.start()); err != nil {
		return nil, errors.Join(err, master.Close())
	}
	go s.read()
	return s, nil
}

func (s *Screen) resize(columns uint16) error {
	size := unix.Winsize{Row: 24, Col: columns}
	if err := unix.IoctlSetWinsize(int(s.master.Fd()), unix.TIOCSWINSZ, &size); err != nil {
		return fmt.Errorf("size the terminal: %w", err)
	}
	return nil
}

func (s *Screen) start() error {
	fd := int(s.master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		return fmt.Errorf("unlock the terminal: %w", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		return fmt.Errorf("name the terminal: %w", err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return err
	}
	s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = tty, tty, tty
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	return errors.Join(s.cmd.Start(), tty.Close())
}

// read ends when the terminal has hung up, or is closed.
func (s *Screen) read() {
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

// Type sends keys to the program.
func (s *Screen) Type(keys string) error {
	_, err := s.master.WriteString(keys)
	return err
}

// Expect reads until it has seen want, returns what came before it and forgets
// both. What is typed is shown too, unless the program switches that off.
func (s *Screen) Expect(want string) (string, error) {
	deadline := time.After(patience)
	for {
		if before, rest, ok := strings.Cut(s.seen, want); ok {
			s.seen = rest
			return before, nil
		}
		select {
		case chunk, ok := <-s.chunks:
			if !ok {
				return "", fmt.Errorf("the program ended before it showed %q; it showed %q", want, s.seen)
			}
			s.seen += chunk
		case <-deadline:
			return "", fmt.Errorf("waited in vain for %q; the program showed %q", want, s.seen)
		}
	}
}

// Wait waits for the end of the program and returns its exit status.
func (s *Screen) Wait() (int, error) {
	err := s.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, err
	}
	return s.cmd.ProcessState.ExitCode(), nil
}

// Close kills the program and hangs up, which the kernel tells all who are left
// on the terminal.
func (s *Screen) Close() error {
	if err := s.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return s.master.Close()
}
