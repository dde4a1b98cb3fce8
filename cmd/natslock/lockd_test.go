package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// lockdServe is a serve with the lockd door, open by all its ways.
func lockdServe(t *testing.T, args ...string) (s *serving, socket string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "lockd") //nolint:usetesting // the name of the test would be too much for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket = filepath.Join(dir, "s")
	return startServe(t, append([]string{
		"--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", "1s",
		"--lockd", "127.0.0.1:0", "--lockd-unix", socket, "--lockd-ws", "127.0.0.1:0",
	}, args...)...), socket
}

// lockdLines is a connection to a lockd door.
type lockdLines struct {
	net.Conn
	in *bufio.Reader
}

func dialLockd(t *testing.T, network, address string) *lockdLines {
	t.Helper()
	c, err := net.Dial(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &lockdLines{c, bufio.NewReader(c)}
}

// want sends a command and compares the line that answers it.
func (c *lockdLines) want(t *testing.T, command, want string) {
	t.Helper()
	if _, err := fmt.Fprintln(c, command); err != nil {
		t.Fatal(err)
	}
	if got, err := c.in.ReadString('\n'); err != nil || strings.TrimSuffix(got, "\n") != want {
		t.Fatalf("%s: got %q and %v, want %q", command, got, err, want)
	}
}

// seen runs a command whose output must have a text in it.
func seen(t *testing.T, want string, command ...string) {
	t.Helper()
	if r := bare(t, command...); r.status != 0 || !strings.Contains(r.out, want) {
		t.Errorf("%q: %+v, want %q", command, r, want)
	}
}

func TestServeLockd(t *testing.T) {
	s, socket := lockdServe(t)
	url := s.logged(t, "nats listens", "url")
	a := dialLockd(t, "tcp", s.logged(t, "lockd listens", "addr"))
	b := dialLockd(t, "unix", socket)
	a.want(t, "g deploy", "1 Lock Get Success: deploy")
	b.want(t, "g deploy", "0 Lock Get Failure: deploy")
	b.want(t, "me", "1 unix:1 unix:1")
	ws, _, err := websocket.Dial(t.Context(), s.logged(t, "lockd websockets listen", "url"), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	if err := ws.Write(t.Context(), websocket.MessageText, []byte("dump")); err != nil {
		t.Fatal(err)
	}
	want := `{"deploy":"` + a.LocalAddr().String() + `"}` + "\n"
	if _, got, err := ws.Read(t.Context()); err != nil || string(got) != want {
		t.Errorf("got %q and %v, want %q", got, err, want)
	}
	seen(t, a.LocalAddr().String(), "inspect", "--server", url, "--realm", "lockd", "deploy")
	seen(t, "deploy", "list", "--server", url, "--realm", "lockd")
	b.want(t, "sg readers", "1 Shared Lock Get Success: readers")
	seen(t, "unix:1", "inspect", "--server", url, "--realm", "lockd-shared", "readers")

	if status := s.stop(t, syscall.SIGTERM); status != 0 {
		t.Errorf("status %d: %q", status, s.lines)
	}
	for _, c := range []*lockdLines{a, b} {
		if rest, err := io.ReadAll(c.in); len(rest) > 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("got %q and %v", rest, err)
		}
	}
	if _, err := os.Stat(socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left: %v", err)
	}
}

func TestServeLockdWithoutSomeOfIt(t *testing.T) {
	s, socket := lockdServe(t, "--http", "", "--lockd-no-dump", "--lockd-no-registry", "--lockd-realm", "old")
	defer s.stop(t, syscall.SIGTERM)
	c := dialLockd(t, "unix", socket)
	c.want(t, "dump", "0 disabled")
	c.want(t, "iam me", "0 disabled")
	c.want(t, "g x", "1 Lock Get Success: x")
	seen(t, "unix:1", "inspect", "--server", s.logged(t, "nats listens", "url"), "--realm", "old", "x")
}

func TestTwoGatewaysOnOneNATS(t *testing.T) {
	url := plainNATS(t, true)
	first := startServe(t, "--nats-url", url, "--lockd", "127.0.0.1:0")
	defer first.stop(t, syscall.SIGTERM)
	second := startServe(t, "--nats-url", url, "--lockd", "127.0.0.1:0")
	a := dialLockd(t, "tcp", first.logged(t, "lockd listens", "addr"))
	b := dialLockd(t, "tcp", second.logged(t, "lockd listens", "addr"))
	a.want(t, "g x", "1 Lock Get Success: x")
	b.want(t, "g x", "0 Lock Get Failure: x")
	b.want(t, "g y", "1 Lock Get Success: y")
	b.want(t, "sg s", "1 Shared Lock Get Success: s")
	a.want(t, "sg s", "2 Shared Lock Get Success: s")
	a.want(t, "d y", "y: "+b.LocalAddr().String())
	if status := second.stop(t, syscall.SIGTERM); status != 0 {
		t.Errorf("status %d: %q", status, second.lines)
	}
	a.want(t, "g y", "1 Lock Get Success: y") // it was released before the gateway ended
	a.want(t, "si s", "1 Shared Lock Is Locked: s")
}
