//go:build unix

package client_test

import (
	"bufio"
	"context"
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
)

// holderURL is in the environment of a process that holds a lock for the test.
const holderURL = "NATSLOCK_TEST_HOLDER_URL"

// holdInProcess takes a lock, and works under it until it is lost. It says what
// it does, a line for each thing.
func holdInProcess() {
	nc, err := nats.Connect(os.Getenv(holderURL))
	if err != nil {
		fmt.Println(err)
		return
	}
	c, err := client.New(nc, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	l, err := c.TryAcquire(context.Background(), "a", client.TTL(500*time.Millisecond))
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("held")
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		if err := l.Context().Err(); err != nil {
			fmt.Println(context.Cause(l.Context()))
			return
		}
		fmt.Println("worked")
	}
}

func TestStoppedProcessSeesTheLossBeforeItGoesOn(t *testing.T) {
	s := clienttest.New(t, clienttest.Listen())
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), holderURL+"="+s.URL())
	cmd.Stderr = os.Stderr
	orders := must[io.Writer](t)(cmd.StdinPipe())
	out := must[io.Reader](t)(cmd.StdoutPipe())
	lines := bufio.NewScanner(out)
	say := func(want string) {
		t.Helper()
		if lines.Scan(); lines.Text() != want {
			t.Fatalf("the holder says %q, want %q", lines.Text(), want)
		}
	}
	ok(t, cmd.Start())
	say("held")
	work := func() { must[int](t)(orders.Write([]byte("\n"))) }
	work()
	say("worked")

	ok(t, cmd.Process.Signal(syscall.SIGSTOP))
	next := must[*client.Lock](t)(s.Client(nil).Acquire(t.Context(), "a", client.Wait(time.Minute)))
	work()
	ok(t, cmd.Process.Signal(syscall.SIGCONT))
	if lines.Scan(); !strings.HasPrefix(lines.Text(), "lock lost: not renewed in time: ") {
		t.Errorf("the holder says %q", lines.Text())
	}
	ok(t, cmd.Wait())
	ok(t, next.Err())
}
