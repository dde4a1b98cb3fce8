//go:build linux

package soak

import (
	"bufio"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	readyIn = 30 * time.Second // a start takes no longer, on however slow a machine
	tailLen = 60               // lines that are kept of what a process says
)

// process is a natslock of its own.
type process struct {
	cmd   *exec.Cmd
	began time.Time
	ready chan struct{} // closed when it has said so
	ended chan struct{} // closed when it is gone
	err   error         // how it ended, once it is gone

	mu   sync.Mutex
	tail []string
}

// start runs natslock with arguments. The process ends with the test, and with
// the test's own process, however that ends.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	p, err := spawn(path, args...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	return p
}

func spawn(path string, args ...string) (*process, error) {
	return spawnAs(nil, path, args...)
}

// spawnAs runs a program as a user; nil is as oneself.
func spawnAs(as *syscall.Credential, path string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(path, args...), ready: make(chan struct{}), ended: make(chan struct{})}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Credential: as}
	started := make(chan error)
	go p.run(started)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start natslock: %w", err)
	}
	return p, nil
}

// run owns the process. It keeps its thread, whose end would be the process's.
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	stderr, err := p.cmd.StderrPipe()
	if err == nil {
		p.began = time.Now()
		err = p.cmd.Start()
	}
	started <- err
	if err != nil {
		return
	}
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		p.said(lines.Text())
	}
	p.err = p.cmd.Wait()
	close(p.ended)
}

func (p *process) said(line string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if line == "natslock: ready" {
		close(p.ready)
	}
	if len(p.tail) == tailLen {
		p.tail = p.tail[1:]
	}
	p.tail = append(p.tail, line)
}

// output is the last of what it said.
func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.tail, "\n")
}

// complaints are the lines that natslock itself said, but for ready.
func (p *process) complaints() (lines []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.tail {
		if strings.HasPrefix(line, "natslock: ") && line != "natslock: ready" {
			lines = append(lines, line)
		}
	}
	return lines
}

// awaitReady returns when it is ready, and how long that took.
func (p *process) awaitReady() (time.Duration, error) {
	select {
	case <-p.ready:
		return time.Since(p.began), nil
	case <-p.ended:
		return 0, fmt.Errorf("natslock ended before it was ready: %w\n%s", p.err, p.output())
	case <-time.After(readyIn):
		return 0, fmt.Errorf("natslock is not ready after %s\n%s", readyIn, p.output())
	}
}

// signal sends a signal; to one that is gone, none.
func (p *process) signal(s syscall.Signal) {
	select {
	case <-p.ended:
	default:
		_ = p.cmd.Process.Signal(s) // it has just ended
	}
}

// kill ends it at once.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.ended
}

// stop ends it as a person would. That it does not end well is an error.
func (p *process) stop() error {
	p.signal(syscall.SIGTERM)
	select {
	case <-p.ended:
	case <-time.After(readyIn):
		p.kill()
		return fmt.Errorf("natslock does not stop\n%s", p.output())
	}
	if p.err != nil {
		return fmt.Errorf("natslock stopped: %w\n%s", p.err, p.output())
	}
	return nil
}

// status waits for its end and returns its exit status.
func (p *process) status() (int, error) {
	select {
	case <-p.ended:
	case <-time.After(readyIn):
		return 0, errors.New("natslock did not end")
	}
	return p.cmd.ProcessState.ExitCode(), nil
}

// freeAddr finds an address to listen at that nobody is given by chance: below
// the ports from which connections come.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.N(12_000))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		return addr
	}
	t.Fatal("no port is free")
	return ""
}
