package job

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"syscall"
)

// The statuses of a command that could not be started, as env(1) has them.
const (
	StatusCannotRun = 126
	StatusNotFound  = 127
)

// signaled is what a shell adds to the number of the signal that ended a command.
const signaled = 128

// StartStatus is the exit status for an error of Look or of starting: 127 if
// there is no such command, else 126.
func StartStatus(err error) int {
	if errors.Is(err, exec.ErrNotFound) || errors.Is(err, fs.ErrNotExist) {
		return StatusNotFound
	}
	return StatusCannotRun
}

// Look finds the executable file for a command's name, as a shell does.
func Look(name string) (string, error) {
	path, err := exec.LookPath(name)
	if errors.Is(err, exec.ErrDot) {
		return path, nil // PATH names the current directory: that is the user's wish
	}
	return path, err
}

// SignalStatus is the status that a shell gives to a process ended by a signal.
func SignalStatus(sig os.Signal) int {
	if s, ok := sig.(syscall.Signal); ok {
		return signaled + int(s)
	}
	return signaled
}

func exitStatus(ws syscall.WaitStatus) int {
	if ws.Signaled() {
		return signaled + int(ws.Signal())
	}
	return ws.ExitStatus()
}
