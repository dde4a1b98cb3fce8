package job

import (
	"errors"
	"syscall"
	"time"
)

// poll is how often a stopped group is looked at: the kernel tells nobody but
// a parent that a process has ended.
const poll = 20 * time.Millisecond

// group is a process group, named by its leader's process id.
type group int

// signal sends to every member. A group that is gone already is no error.
func (g group) signal(sig syscall.Signal) {
	_ = syscall.Kill(-int(g), sig)
}

// end waits until no member is left, and kills those that are there when kill
// fires. It is for a group whose leader is reaped.
func (g group) end(kill <-chan time.Time) {
	tick := time.NewTicker(poll)
	defer tick.Stop()
	for g.left() {
		select {
		case <-tick.C:
		case <-kill:
			g.signal(syscall.SIGKILL)
			return
		}
	}
}

// left reaps the members that have ended, of those that are our children, and
// says whether others are left.
func (g group) left() bool {
	for {
		pid, err := syscall.Wait4(-int(g), nil, syscall.WNOHANG, nil)
		if !errors.Is(err, syscall.EINTR) && pid <= 0 {
			return syscall.Kill(-int(g), 0) == nil
		}
	}
}
