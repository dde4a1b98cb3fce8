//go:build linux

package soak

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client"
)

// mortalURL is in the environment of a process that is a mortal: a client that
// holds and waits by presence, and may die.
const mortalURL = "NATSLOCK_SOAK_MORTAL_URL"

// lives is how many things a mortal does at a time. Two share a session.
const lives = 3

// The session of a mortal. Its grace is its TTL: its holds never end by the close
// of a connection before it knows.
const mortalTTL = 2 * time.Second

// beMortal does what it is told on standard input, a line for each thing, and says
// what came of it. It ends with its input.
func beMortal() error {
	nc, err := mortalConn()
	if err != nil {
		return err
	}
	defer nc.Close()
	var clients [2]*client.Client
	for i := range clients {
		if clients[i], err = mortalClient(nc); err != nil {
			return err
		}
	}
	var say sync.Mutex
	var orders [lives]chan []string
	var work sync.WaitGroup
	for i := range orders {
		orders[i] = make(chan []string, 1)
		l := &life{nc: nc, c: &clients[i/2]}
		work.Go(func() {
			for words := range orders[i] {
				answer := l.do(words)
				say.Lock()
				_, _ = fmt.Println(i, answer) // to a test that has ended, perhaps
				say.Unlock()
			}
		})
	}
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		words := strings.Fields(lines.Text())
		orders[words[0][0]-'0'] <- words[1:]
	}
	for i := range orders {
		close(orders[i])
	}
	work.Wait()
	return errors.Join(clients[0].Close(), clients[1].Close())
}

// mortalConn connects, however long there is no server.
func mortalConn() (*nats.Conn, error) {
	for end := now() + patience; ; pause(context.Background(), again) {
		nc, err := bus.Connect(context.Background(), os.Getenv(mortalURL), bus.ConnectConfig{Name: "mortal"})
		if err == nil || now() >= end {
			return nc, err
		}
	}
}

func mortalClient(nc *nats.Conn) (*client.Client, error) {
	return client.New(nc, &client.Options{Realm: "soak", SessionTTL: mortalTTL, Grace: mortalTTL, Timeout: clientTimeout})
}

// life is one thing at a time: at most one lock.
type life struct {
	nc   *nats.Conn
	c    **client.Client // shared with another life, perhaps
	lock *client.Lock
}

// do does one of:
//
//	wait NAME OWNER   granted TOKEN, or refused WHY
//	try NAME OWNER    granted TOKEN, or refused WHY
//	look              held, or lost
//	release           released, or lost, or failed WHY
//	leave             left, or perhaps: it may yet; the next is done by another Client
func (l *life) do(words []string) string {
	switch words[0] {
	case "wait", "try":
		acquire := (*l.c).Acquire
		if words[0] == "try" {
			acquire = (*l.c).TryAcquire
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		lock, err := acquire(ctx, words[1], client.Owner(words[2]))
		if err != nil {
			return "refused " + strings.ReplaceAll(err.Error(), "\n", " ")
		}
		l.lock = lock
		return fmt.Sprint("granted ", lock.Token())
	case "look":
		if l.lock.Err() != nil {
			return "lost"
		}
		return "held"
	case "leave":
		return l.leave()
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	switch err := l.lock.Release(ctx); {
	case err == nil:
		return "released"
	case errors.Is(err, client.ErrLost):
		return "lost"
	default:
		return "failed " + strings.ReplaceAll(err.Error(), "\n", " ")
	}
}

// leave closes the Client of a life that shares it with no other, while it holds.
// What was asked once, and was answered, has been done; of what was asked more than
// once, a copy may still be at it.
func (l *life) leave() string {
	reconnects, began := l.nc.Stats().Reconnects, now()
	err := (*l.c).Close()
	certain := err == nil && l.nc.Stats().Reconnects == reconnects && !twice(now()-began)
	if *l.c, err = mortalClient(l.nc); err != nil {
		return "failed " + err.Error()
	}
	if certain {
		return "left"
	}
	return "perhaps"
}

// mortal is such a process, as it is seen from here.
type mortal struct {
	cmd   *exec.Cmd
	stdin io.WriteCloser
	gone  chan struct{} // closed when it is

	mu      sync.Mutex
	answers [lives]chan string
}

// born starts a mortal, which connects to an address.
func born(addr string) (*mortal, error) {
	m := &mortal{cmd: exec.Command(os.Args[0]), gone: make(chan struct{})}
	m.cmd.Env = append(os.Environ(), mortalURL+"=nats://"+addr)
	m.cmd.Stderr = os.Stderr
	stdin, err := m.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := m.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	m.stdin = stdin
	for i := range m.answers {
		m.answers[i] = make(chan string, 1)
	}
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start a mortal: %w", err)
	}
	go func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			which, answer, _ := strings.Cut(lines.Text(), " ")
			m.answers[which[0]-'0'] <- answer
		}
		_ = m.cmd.Wait() // it may have been killed
		close(m.gone)
	}()
	return m, nil
}

// order has a life do something, and waits for what comes of it. dead is that it
// died before it said so.
func (m *mortal) order(life int, words ...string) (answer string, dead bool) {
	m.mu.Lock()
	_, err := fmt.Fprintln(m.stdin, life, strings.Join(words, " "))
	m.mu.Unlock()
	if err != nil {
		<-m.gone
		return "", true
	}
	select {
	case answer := <-m.answers[life]:
		return answer, false
	case <-m.gone:
	}
	select { // it may have said so before
	case answer := <-m.answers[life]:
		return answer, false
	default:
		return "", true
	}
}

// signal sends it a signal; to one that is gone, none.
func (m *mortal) signal(s syscall.Signal) {
	select {
	case <-m.gone:
	default:
		_ = m.cmd.Process.Signal(s) // it has just ended
	}
}

// retire lets it end by itself.
func (m *mortal) retire() error {
	m.mu.Lock()
	err := m.stdin.Close()
	m.mu.Unlock()
	if err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	select {
	case <-m.gone:
	case <-time.After(drainFor):
		m.signal(syscall.SIGKILL)
		<-m.gone
		return errors.New("a mortal does not end")
	}
	return nil
}
