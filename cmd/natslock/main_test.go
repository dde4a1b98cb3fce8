package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/cmd/natslock/bench"
	"github.com/natslock/natslock/cmd/natslock/job"
	"github.com/natslock/natslock/schema"
)

// asNatslock makes the test binary be natslock: processes that tests start are
// this one again.
const asNatslock = "TEST_AS_NATSLOCK"

// server is a natslock that all tests share. Each has a realm of its own.
var server *bench.Server

func TestMain(m *testing.M) {
	if os.Getenv(asNatslock) != "" {
		main()
	}
	heed()
	os.Exit(testMain(m))
}

// heed makes signals arrive that whoever started the tests ignores, as nohup
// does: a command hands that on to its own, and the tests would wait for ever.
func heed() {
	for _, s := range []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM} {
		if signal.Ignored(s) {
			signal.Notify(make(chan os.Signal, 1), s)
		}
	}
}

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "natslock-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	// No server of these tests takes a port that may be taken.
	if err := errors.Join(os.Setenv(asNatslock, "1"), os.Setenv("NATSLOCK_HTTP", "127.0.0.1:0")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if server, err = bench.StartServer(context.Background(), []string{os.Args[0]}, dir, "1s"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	status := m.Run()
	if err := server.Stop(syscall.SIGTERM); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return status
}

// result is what a command has left.
type result struct {
	out, err string
	status   int
}

// natslock runs a command in this process, in the test's realm.
func natslock(t *testing.T, args ...string) result {
	t.Helper()
	return runMain(t.Context(), append(args[:1:1], append(callerFlags(t), args[1:]...)...)...)
}

// callerFlags lead a caller's command to the shared server.
func callerFlags(t *testing.T) []string {
	return []string{"--server", server.URL, "--realm", realm(t)}
}

var (
	realms     sync.Map // of *testing.T
	realmCount atomic.Int64
)

// realm is the test's own, also when it runs again.
func realm(t *testing.T) string {
	if name, ok := realms.Load(t); ok {
		return name.(string)
	}
	name := fmt.Sprintf("%.50s-%d", t.Name(), realmCount.Add(1))
	realms.Store(t, name)
	t.Cleanup(func() { realms.Delete(t) })
	return name
}

// bare runs a command without flags of ours.
func bare(t *testing.T, args ...string) result {
	t.Helper()
	return runMain(t.Context(), args...)
}

func runMain(ctx context.Context, args ...string) result {
	var out, err bytes.Buffer
	status := Main(ctx, args, &system{in: strings.NewReader(""), out: &out, err: &err})
	return result{out.String(), err.String(), status}
}

// process is a command in a process of its own, not started yet.
func process(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.WaitDelay = 10 * time.Second
	cmd.SysProcAttr = job.Detached()
	return cmd
}

// want fails the test unless the command ended as it should: nothing on
// standard error if it succeeded, and else one line that contains says.
func (r result) want(t *testing.T, status int, says string) result {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d\nstdout: %s\nstderr: %s", r.status, status, r.out, r.err)
	}
	if status == 0 && says == "" {
		if r.err != "" {
			t.Errorf("stderr: %s", r.err)
		}
		return r
	}
	if !strings.Contains(r.err, says) || strings.Count(r.err, "\n") != 1 || !strings.HasPrefix(r.err, "natslock: ") {
		t.Errorf("stderr %q, want one line with %q", r.err, says)
	}
	return r
}

// ok is the trimmed output of a command that must succeed.
func ok(t *testing.T, args ...string) string {
	t.Helper()
	return strings.TrimSpace(natslock(t, args...).want(t, 0, "").out)
}

// object reads a JSON object.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return o
}

// locks is a client of the shared server in the test's realm.
func locks(t *testing.T) *client.Client {
	t.Helper()
	c := caller{Server: server.URL, Realm: realm(t)}
	s, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.close() })
	return s.Client
}

// when returns a function that waits for the first event of a type from now on.
func when(t *testing.T, what schema.EventType) (wait func() client.Event) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	events, err := locks(t).Watch(ctx, &client.WatchOptions{Types: []schema.EventType{what}})
	if err != nil {
		t.Fatal(err)
	}
	return func() client.Event {
		t.Helper()
		for e, err := range events {
			if err != nil {
				t.Fatal(err)
			}
			return e
		}
		t.Fatalf("waited in vain for %s", what)
		return client.Event{}
	}
}
