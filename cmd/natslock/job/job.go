package job

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
	"time"
)

// passed are the signals that a job gets from us.
var passed = []os.Signal{
	syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGALRM,
	syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH, syscall.SIGTSTP, syscall.SIGCONT,
}

// Signals subscribes to all that a job is to be told of. What this process was
// started to ignore, as under nohup(1), it goes on ignoring, as the command will.
func Signals() <-chan os.Signal {
	signals := make(chan os.Signal, 16)
	for _, s := range passed {
		if !signal.Ignored(s) {
			signal.Notify(signals, s)
		}
	}
	return signals
}

// Job is a command that is to run.
type Job struct {
	Cmd     *exec.Cmd        // its SysProcAttr is overwritten
	Signals <-chan os.Signal // what arrives is passed on to the command's group
	Grace   time.Duration    // from SIGTERM to SIGKILL when the context ends
}

// Exit says how a job ended.
type Exit struct {
	Status  int  // the command's, or 128 plus the number of the signal that ended it
	Stopped bool // Run stopped it because the context ended
}

// Run runs the job until it is gone. A job that cannot be started is an error;
// StartStatus knows its status. For job control to be exact, a program calls it
// from the main thread, which an init function has locked.
func (j *Job) Run(ctx context.Context) (Exit, error) {
	runtime.LockOSThread() // the parent's death is, for the kernel, that of this thread
	defer runtime.UnlockOSThread()

	term := openTerminal()
	defer term.close()
	j.Cmd.SysProcAttr = Detached()
	term.prepare(j.Cmd)
	defer term.takeBack()
	if err := j.Cmd.Start(); err != nil {
		term.started(0)
		return Exit{}, err
	}
	g := group(j.Cmd.Process.Pid)
	term.started(g)
	return j.supervise(ctx, g, term)
}

func (j *Job) supervise(ctx context.Context, g group, term *terminal) (Exit, error) {
	events := watch(j.Cmd)
	stop := ctx.Done()
	stopping := false
	var kill <-chan time.Time
	for {
		select {
		case e := <-events:
			if e.err == nil && e.status.Stopped() {
				term.stopped(e.status.StopSignal())
				continue
			}
			if kill != nil {
				g.end(kill)
			}
			return Exit{Status: exitStatus(e.status), Stopped: stopping}, e.err
		case sig := <-j.Signals:
			if sig == syscall.SIGCONT {
				term.continued()
			}
			g.signal(sig.(syscall.Signal))
		case <-stop:
			stop, stopping = nil, true
			kill = time.After(j.Grace)
			defer adopt()()
			g.signal(syscall.SIGTERM)
			g.signal(syscall.SIGCONT) // a stopped process could not act on it
		case <-kill:
			kill = nil
			g.signal(syscall.SIGKILL)
		}
	}
}

// event is a change of the command: it was stopped by a signal, or it ended.
type event struct {
	status syscall.WaitStatus
	err    error
}

// watch reports the stops of a started command, and its end last.
func watch(cmd *exec.Cmd) <-chan event {
	events := make(chan event)
	go func() {
		for {
			var e event
			_, e.err = syscall.Wait4(cmd.Process.Pid, &e.status, syscall.WUNTRACED, nil)
			switch {
			case errors.Is(e.err, syscall.EINTR):
				continue
			case e.err != nil || !e.status.Stopped():
				// Only what copies its streams is left to wait for: the
				// process is ours no more, so its error says nothing.
				_ = cmd.Wait()
				events <- e
				return
			}
			events <- e
		}
	}()
	return events
}

// Detached is how to start a helper: in a group of its own, so that keys do not
// reach it, and on Linux not to outlive this process.
func Detached() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(attr)
	return attr
}
