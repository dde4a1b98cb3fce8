//go:build unix

package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// holderURL is in the environment of a process that holds a lock for the test.
const holderURL = "NATSLOCK_TEST_HOLDER_URL"

// holderTTL is there when it holds the lock for a TTL, and not by presence.
const holderTTL = "NATSLOCK_TEST_HOLDER_TTL"

// holdInProcess takes a lock, and works under it until it is lost. It says what
// it does, a line for each thing.
func holdInProcess() {
	nc, err := nats.Connect(os.Getenv(holderURL))
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := client.New(nc, &client.Options{SessionTTL: second})
	if err != nil {
		fmt.Println(err)
		return
	}
	var opts []client.AcquireOption
	if os.Getenv(holderTTL) != "" {
		opts = append(opts, client.TTL(500*time.Millisecond))
	}
	l, err := c.TryAcquire(context.Background(), "a", opts...)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held", l.Token())
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		if err := l.Context().Err(); err != nil {
			fmt.Println(context.Cause(l.Context()))
			if err := l.Release(context.Background()); !errors.Is(err, client.ErrLost) || !errors.Is(err, client.ErrNotHeld) {
				fmt.Println("released:", err)
			}
			return
		}
		fmt.Println("worked")
	}
}

func TestStoppedProcessSeesTheLossBeforeItGoesOn(t *testing.T) {
	t.Run("for a TTL", func(t *testing.T) {
		stopHolder(t, "lock lost: not renewed in time: ", holderTTL+"=yes")
	})
	t.Run("by presence", func(t *testing.T) {
		stopHolder(t, "lock lost: its session was not kept alive in time: ")
	})
}

// stopHolder stops a process that holds a lock until another has it. When it goes
// on, it knows why it has lost the lock before it does anything, and nothing that it
// does touches the other's.
func stopHolder(t *testing.T, why string, env ...string) {
	s := clienttest.New(t, clienttest.Listen())
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(append(os.Environ(), holderURL+"="+s.URL()), env...)
	cmd.Stderr = os.Stderr
	orders := must[io.Writer](t)(cmd.StdinPipe())
	out := must[io.Reader](t)(cmd.StdoutPipe())
	lines := bufio.NewScanner(out)
	ok(t, cmd.Start())
	var token uint64
	if lines.Scan(); must[int](t)(fmt.Sscanf(lines.Text(), "held %d", &token)) != 1 {
		t.Fatalf("the holder says %q", lines.Text())
	}
	work := func() { must[int](t)(orders.Write([]byte("\n"))) }
	work()
	if lines.Scan(); lines.Text() != "worked" {
		t.Fatalf("the holder says %q", lines.Text())
	}

	ok(t, cmd.Process.Signal(syscall.SIGSTOP))
	c := s.Client(nil)
	next := must[*client.Lock](t)(c.Acquire(t.Context(), "a", client.Wait(time.Minute)))
	if next.Token() <= token {
		t.Errorf("token %d after %d", next.Token(), token)
	}
	work()
	ok(t, cmd.Process.Signal(syscall.SIGCONT))
	if lines.Scan(); !strings.HasPrefix(lines.Text(), why) {
		t.Errorf("the holder says %q", lines.Text())
	}
	if lines.Scan() {
		t.Errorf("the holder goes on: %q", lines.Text())
	}
	ok(t, cmd.Wait())
	late := must[*schema.Reply](t)(c.Call(t.Context(), schema.VerbRelease, &schema.Release{Name: "a", Token: token}))
	if late.Status != schema.StatusNotHeld {
		t.Errorf("a late release of %d is %s", token, late.Status)
	}
	ok(t, next.Err())
	if holders := state(t, c, "a").Holders; len(holders) != 1 || holders[0].Token != next.Token() {
		t.Errorf("held by %+v", holders)
	}
}
