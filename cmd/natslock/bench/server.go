package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/natslock/natslock/cmd/natslock/job"
)

// patienceToStop is how long a server may take to stop before it is killed.
const patienceToStop = 10 * time.Second

// Server is a natslock in a process of its own.
type Server struct {
	URL   string
	Start time.Duration // from the start of the process until it was ready

	cmd *exec.Cmd
	log chan error // the end of its log: nil, or why it ended early
}

// StartServer starts a server with its data in dir and waits until it is ready.
// program and args are how to run natslock.
func StartServer(ctx context.Context, program []string, dir, sync string) (*Server, error) {
	args := append(program[1:len(program):len(program)],
		"serve", "--echo", "--nats", "127.0.0.1:0", "--http", "", "--data", dir, "--sync", sync, "--log-format", "json", "--log-level", "info")
	s := &Server{cmd: exec.Command(program[0], args...), log: make(chan error, 1)}
	s.cmd.Env = environment()
	s.cmd.SysProcAttr = job.Detached()
	log, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a server: %w", err)
	}
	ready := make(chan string, 1)
	go func() { s.log <- read(log, ready) }()
	select {
	case s.URL = <-ready:
		s.Start = time.Since(start)
		return s, nil
	case err := <-s.log:
		s.log <- nil
		return nil, errors.Join(fmt.Errorf("start a server: %w", err), ignoreExit(s.Stop(syscall.SIGKILL)))
	case <-ctx.Done():
		return nil, errors.Join(context.Cause(ctx), s.Stop(syscall.SIGKILL))
	}
}

// environment is ours without what is meant for our own flags.
func environment() []string {
	var env []string
	for _, e := range os.Environ() {
		if !strings.HasPrefix(e, "NATSLOCK_") {
			env = append(env, e)
		}
	}
	return env
}

// read reads a server's log to its end, and tells its URL when it is ready. The
// error is the last line of a server that never was.
func read(log io.Reader, ready chan<- string) error {
	var url, last string
	isReady := false
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		last = lines.Text()
		var record struct{ URL string }
		if json.Unmarshal(lines.Bytes(), &record) == nil && record.URL != "" {
			url = record.URL
		}
		if last == "natslock: ready" && url != "" {
			isReady = true
			ready <- url
		}
	}
	if isReady {
		_, err := io.Copy(io.Discard, log) // a line that was too long for the scanner
		return errors.Join(lines.Err(), err)
	}
	return fmt.Errorf("it ended: %s", last)
}

// PID is the server's process id.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Stop sends the signal and waits for the end of the process, which it forces
// after a while.
func (s *Server) Stop(sig syscall.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop the server: %w", err)
	}
	force := time.AfterFunc(patienceToStop, func() { _ = s.cmd.Process.Kill() })
	defer force.Stop()
	read := <-s.log
	err := s.cmd.Wait()
	if sig == syscall.SIGKILL {
		err = ignoreExit(err)
	}
	if err != nil {
		err = fmt.Errorf("stop the server: %w", err)
	}
	return errors.Join(read, err)
}

func ignoreExit(err error) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}
