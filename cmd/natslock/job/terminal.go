package job

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// terminal shares the controlling terminal between this process and a job. A
// nil terminal, of a process that has none, does nothing.
type terminal struct {
	file  *os.File
	own   group // this process's
	job   group
	wants bool // the job needs to be in the foreground when we are
}

func openTerminal() *terminal {
	file, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil
	}
	return &terminal{file: file, own: group(unix.Getpgrp())}
}

func (t *terminal) close() {
	if t != nil {
		_ = t.file.Close()
	}
}

// prepare lets a command that reads from and writes to the terminal start in
// the foreground.
func (t *terminal) prepare(cmd *exec.Cmd) {
	if t == nil || t.foreground() != t.own || !isTerminal(cmd.Stdin) || !isTerminal(cmd.Stdout) {
		return
	}
	t.wants = true
	cmd.SysProcAttr.Foreground = true
	cmd.SysProcAttr.Ctty = int(t.file.Fd())
}

// started notes the job's group; 0 if it could not be started. From here on
// this process may be in the background, and must not be stopped for handing
// the terminal over or for writing to it.
func (t *terminal) started(g group) {
	if t != nil {
		t.job = g
		signal.Ignore(syscall.SIGTTOU)
	}
}

// takeBack ends what started began. A shell may have given the terminal to
// somebody else meanwhile, who keeps it.
func (t *terminal) takeBack() {
	if t == nil {
		return
	}
	if t.foreground() == t.job || t.job == 0 && t.wants {
		t.give(t.own)
	}
	signal.Reset(syscall.SIGTTOU)
}

// continued is told that this process was continued.
func (t *terminal) continued() {
	if t != nil && t.wants && t.foreground() == t.own {
		t.give(t.job)
	}
}

// stopped deals with a stop of the job by a signal.
func (t *terminal) stopped(sig syscall.Signal) {
	if t == nil {
		return
	}
	wantsTerminal := sig == syscall.SIGTTIN || sig == syscall.SIGTTOU
	t.wants = t.wants || wantsTerminal
	if wantsTerminal && t.foreground() == t.own {
		t.resume()
		return
	}
	t.suspend()
	if front := t.foreground(); wantsTerminal && front != t.own && front != t.job {
		return // in the background: SIGCONT will come with the terminal
	}
	t.resume()
}

// suspend stops this process's group, so that the shell that started it takes
// over, and returns when it is continued. In a group that no shell looks after
// the kernel discards the stop, and suspend returns at once. SIGTTIN does this
// because Go keeps its handler for a SIGTSTP that was subscribed to once.
//
// On the main thread, which the kernel chooses for a signal to the process,
// the stop has happened when kill(2) returns. On another it may come a moment
// later than the job's continuation, so Run wants to be on the main thread.
func (t *terminal) suspend() {
	t.own.signal(syscall.SIGTTIN)
}

func (t *terminal) resume() {
	t.continued()
	t.job.signal(syscall.SIGCONT)
}

// foreground is the group that has the terminal; 0 if it has hung up.
func (t *terminal) foreground() group {
	g, err := unix.IoctlGetInt(int(t.file.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return 0
	}
	return group(g)
}

// give puts a group in the foreground. It fails only when the terminal or the
// group is gone, and then there is nobody to care.
func (t *terminal) give(g group) {
	_ = unix.IoctlSetPointerInt(int(t.file.Fd()), unix.TIOCSPGRP, int(g))
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
