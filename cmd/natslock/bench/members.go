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
	"time"

	"github.com/natslock/natslock/cmd/natslock/job"
)

// members is a crowd in a process of its own.
type members struct {
	cmd     *exec.Cmd
	orders  *json.Encoder
	answers chan told
	died    chan time.Time // when its death was seen: its output has ended
	log     *strings.Builder
}

// startMembers starts a process of a crowd at a server. program is how to run
// natslock.
func startMembers(program []string, url string) (*members, error) {
	m := &members{
		cmd:     exec.Command(program[0], append(program[1:len(program):len(program)], CrowdCommand, "--server", url)...),
		answers: make(chan told, 1), died: make(chan time.Time, 1), log: &strings.Builder{},
	}
	m.cmd.Env, m.cmd.SysProcAttr, m.cmd.Stderr = environment(), job.Detached(), m.log
	in, err := m.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a crowd: %w", err)
	}
	m.orders = json.NewEncoder(in)
	go m.read(out)
	return m, nil
}

// pid is its process id.
func (m *members) pid() int { return m.cmd.Process.Pid }

// CrowdCommand is the hidden command of natslock that is a crowd.
const CrowdCommand = "crowd"

// read reads answers to the end, which is that of the process.
func (m *members) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var t told
		if err := json.Unmarshal(lines.Bytes(), &t); err != nil {
			t.Error = fmt.Sprintf("answer %q: %v", lines.Text(), err)
		}
		m.answers <- t
	}
	m.died <- time.Now()
	close(m.answers)
}

// order has the crowd do something, and waits until it has.
func (m *members) order(ctx context.Context, do string, c Crowd) (told, error) {
	if err := m.orders.Encode(order{do, c}); err != nil {
		return told{}, fmt.Errorf("crowd: %w", err)
	}
	select {
	case t, ok := <-m.answers:
		switch {
		case !ok:
			return t, fmt.Errorf("crowd: it ended: %w", errors.Join(m.wait(), errors.New(strings.TrimSpace(m.log.String()))))
		case t.Error != "":
			return t, fmt.Errorf("crowd: %s: %s", do, t.Error)
		}
		return t, nil
	case <-ctx.Done():
		return told{}, context.Cause(ctx)
	}
}

// kill kills the crowd with SIGKILL, and returns when that was and when its death
// was seen.
func (m *members) kill() (at, seen time.Time, err error) {
	at = time.Now()
	if err := m.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return at, at, fmt.Errorf("kill a crowd: %w", err)
	}
	seen = <-m.died
	m.died <- seen // for whoever asks again
	return at, seen, m.wait()
}

// close ends the process, if it lives.
func (m *members) close() error {
	_, _, err := m.kill()
	return err
}

func (m *members) wait() error {
	if m.cmd.ProcessState != nil {
		return nil
	}
	return ignoreExit(m.cmd.Wait())
}
