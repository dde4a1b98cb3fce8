package embedded_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// The server has one goroutine for each process, which ends by itself
		// when nothing uses it.
		goleak.IgnoreAnyFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
	)
}

const (
	bucketName = "natslock_locks"
	patience   = 30 * time.Second // with a slow disk
)

func start(t testing.TB, cfg embedded.Config) *embedded.Server {
	t.Helper()
	if cfg.DataDir == "" {
		cfg.DataDir = t.TempDir()
	}
	s, err := embedded.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t testing.TB, s *embedded.Server) {
	t.Helper()
	if err := s.Shutdown(); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

// refused starts what must not start and returns the error's text.
func refused(t *testing.T, cfg embedded.Config) string {
	t.Helper()
	s, err := embedded.Start(t.Context(), cfg)
	if err == nil {
		stop(t, s)
		t.Fatal("it started")
	}
	if strings.ContainsAny(err.Error(), "\n\r") {
		t.Errorf("the error has more than one line: %q", err)
	}
	return err.Error()
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q does not say %q", text, part)
		}
	}
}

// open opens the bucket on a connection of its own.
func open(t testing.TB, s *embedded.Server) *bus.Bucket {
	t.Helper()
	nc, err := s.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: bucketName, FirstSeq: 1000, Timeout: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		nc.Close()
	})
	return b
}

// put creates keys k<from> to k<to-1> and returns the last revision.
func put(t testing.TB, b *bus.Bucket, from, to, size int) uint64 {
	t.Helper()
	type outcome struct {
		revision uint64
		err      error
	}
	done := make(chan outcome, to-from)
	for i := from; i < to; i++ {
		b.Commit([]bus.Write{{Key: fmt.Sprintf("k%d", i), Value: make([]byte, size)}}, func(revision uint64, err error) {
			done <- outcome{revision, err}
		})
	}
	var last uint64
	for range to - from {
		o := <-done
		if o.err != nil {
			t.Fatal(o.err)
		}
		last = max(last, o.revision)
	}
	return last
}

// there counts the keys k0 to k<n-1> that are there.
func there(t *testing.T, b *bus.Bucket, n int) (count int) {
	t.Helper()
	for i := range n {
		e, err := b.Load(t.Context(), fmt.Sprintf("k%d", i))
		if err != nil {
			t.Fatal(err)
		}
		if e.Revision > 0 {
			count++
		}
	}
	return count
}

func TestARestartKeepsTheData(t *testing.T) {
	dir := t.TempDir()
	var last uint64
	for i := range 3 {
		s := start(t, embedded.Config{DataDir: dir})
		b := open(t, s)
		if n := there(t, b, 10*i); n != 10*i {
			t.Errorf("%d keys are there, want %d", n, 10*i)
		}
		revision := put(t, b, 10*i, 10*i+10, 100)
		if revision != max(last, 999)+10 {
			t.Errorf("revision %d after %d", revision, last)
		}
		last = revision
		stop(t, s)
	}
}

// A copy of the files of a running server is what a crash of it leaves.
func TestACrashLosesNothingThatWasAcknowledged(t *testing.T) {
	for _, sync := range []time.Duration{0, time.Minute} {
		dir, crashed := t.TempDir(), filepath.Join(t.TempDir(), "crashed")
		b := open(t, start(t, embedded.Config{DataDir: dir, Sync: sync}))
		last := put(t, b, 0, 50, 100)
		if err := os.CopyFS(crashed, os.DirFS(dir)); err != nil {
			t.Fatal(err)
		}
		after := open(t, start(t, embedded.Config{DataDir: crashed, Sync: sync}))
		if n := there(t, after, 50); n != 50 {
			t.Errorf("sync %s: %d of 50 keys are there", sync, n)
		}
		if revision := put(t, after, 50, 51, 100); revision != last+1 {
			t.Errorf("sync %s: revision %d after %d", sync, revision, last)
		}
	}
}

func TestCallersReachTheListener(t *testing.T) {
	s := start(t, embedded.Config{Addr: "127.0.0.1:0"})
	nc, err := bus.Connect(t.Context(), s.ClientURL(), bus.ConnectConfig{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if err := nc.Flush(); err != nil {
		t.Error(err)
	}
	if !strings.HasPrefix(s.ClientURL(), "nats://127.0.0.1:") {
		t.Errorf("the URL is %q", s.ClientURL())
	}
}

func TestWithoutAddressThereIsNoListener(t *testing.T) {
	s := start(t, embedded.Config{})
	if url := s.ClientURL(); url != "" {
		t.Errorf("the URL is %q", url)
	}
	nc, err := s.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
}

func TestTheSystemConnectionSeesDisconnects(t *testing.T) {
	s := start(t, embedded.Config{})
	system, err := s.SystemConn()
	if err != nil {
		t.Fatal(err)
	}
	defer system.Close()
	events, err := system.SubscribeSync("$SYS.ACCOUNT." + embedded.Account + ".DISCONNECT")
	if err != nil {
		t.Fatal(err)
	}
	if err := system.Flush(); err != nil {
		t.Fatal(err)
	}
	caller, err := s.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	caller.Close()
	if _, err := events.NextMsg(10 * time.Second); err != nil {
		t.Error(err)
	}
}

func TestCallersMayNotTouchTheStoreOrWorkers(t *testing.T) {
	s := start(t, embedded.Config{Addr: "127.0.0.1:0"})
	open(t, s)
	for name, nc := range callers(t, s) {
		t.Run(name, func(t *testing.T) {
			for _, subject := range []string{
				"$KV.natslock_locks.k", "$JS.API.INFO", "$JS.API.STREAM.DELETE.KV_natslock_locks", "$JS.ACK.x",
				"$SYS.REQ.USER.INFO", "lockevent.x.granted", bus.Reserved + ".undo.x",
			} {
				if !denied(t, nc, func() error { return nc.PublishRequest(subject, "r", nil) }) {
					t.Errorf("publishing to %s is allowed", subject)
				}
			}
			for _, subject := range []string{"lock.x.acquire", "app.subject", "_INBOX.x", "$SRV.PING"} {
				if denied(t, nc, func() error { return nc.Publish(subject, nil) }) {
					t.Errorf("publishing to %s is denied", subject)
				}
			}
			for _, subject := range []string{"$KV.>", "lock.>", "lock.x.acquire", bus.Reserved + ".inbox.>", "$JS.API.>"} {
				if !denied(t, nc, func() error { _, err := nc.QueueSubscribeSync(subject, "q"); return err }) {
					t.Errorf("subscribing to %s is allowed", subject)
				}
			}
			for _, subject := range []string{"lockevent.>", "app.>", "_INBOX.x", "_INBOX.x.*"} {
				if denied(t, nc, func() error { _, err := nc.SubscribeSync(subject); return err }) {
					t.Errorf("subscribing to %s is denied", subject)
				}
			}
		})
	}
}

// callers are connections of a caller through each door.
func callers(t *testing.T, s *embedded.Server) map[string]*nats.Conn {
	t.Helper()
	silent := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	inside, err := s.CallerConn(silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(inside.Close)
	outside, err := nats.Connect(s.ClientURL(), silent)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(outside.Close)
	return map[string]*nats.Conn{"inside": inside, "outside": outside}
}

// denied tells whether the server refused what do did.
func denied(t *testing.T, nc *nats.Conn, do func() error) bool {
	t.Helper()
	before := nc.LastError()
	if err := do(); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	after := nc.LastError()
	return after != before && errors.Is(after, nats.ErrPermissionViolation)
}

func TestACallerThatListensWidelyHearsNoWorkers(t *testing.T) {
	s := start(t, embedded.Config{})
	b := open(t, s)
	nosy, err := s.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	defer nosy.Close()
	all, err := nosy.SubscribeSync("*." + bucketName + ".>")
	if err != nil {
		t.Fatal(err)
	}
	if err := nosy.Flush(); err != nil {
		t.Fatal(err)
	}
	put(t, b, 0, 10, 10)
	end := "the." + bucketName + ".end"
	if err := nosy.Publish(end, nil); err != nil {
		t.Fatal(err)
	}
	m, err := all.NextMsg(10 * time.Second)
	if err != nil || m.Subject != end {
		t.Errorf("heard %+v, %v", m, err)
	}
}

func TestAWrongPasswordIsRefused(t *testing.T) {
	s := start(t, embedded.Config{Addr: "127.0.0.1:0"})
	for _, user := range []string{"worker", "system", "caller"} {
		nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, "guess"))
		if err == nil {
			nc.Close()
			t.Errorf("%s came in", user)
		}
	}
}

func TestATakenPortIsRefused(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	dir := filepath.Join(t.TempDir(), "data")
	text := refused(t, embedded.Config{DataDir: dir, Addr: l.Addr().String()})
	contains(t, text, "listen on "+l.Addr().String(), "address already in use")
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the data directory was made: %v", err)
	}
}

func TestAnAddressThatIsNoneIsRefused(t *testing.T) {
	for addr, want := range map[string]string{
		"4222":              `address "4222" is not host:port`,
		"127.0.0.1":         `address "127.0.0.1" is not host:port`,
		"127.0.0.1:port":    "the port must be a number",
		"127.0.0.1:70000":   "the port must be a number",
		"127.0.0.1:-1":      "the port must be a number",
		"no.such.invalid:1": "listen on no.such.invalid:1",
		"198.51.100.1:4222": "listen on 198.51.100.1:4222",
	} {
		contains(t, refused(t, embedded.Config{DataDir: t.TempDir(), Addr: addr}), want)
	}
}

func TestADataDirectoryThatCannotBeUsedIsRefused(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ dir, want string }{
		{"", "no data directory is given"},
		{file, "data directory " + file + " cannot be created: not a directory"},
		{filepath.Join(file, "below"), "cannot be created: not a directory"},
		{"/proc/self", "data directory /proc/self cannot be written: "},
	} {
		contains(t, refused(t, embedded.Config{DataDir: test.dir}), test.want)
	}
}

func TestAReadOnlyDataDirectoryIsRefused(t *testing.T) {
	if os.Geteuid() == 0 {
		t.Skip("root may write everywhere; TestADataDirectoryThatCannotBeUsedIsRefused has /proc for it")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o500); err != nil {
		t.Fatal(err)
	}
	contains(t, refused(t, embedded.Config{DataDir: dir}), "data directory "+dir+" cannot be written: permission denied")
}

func TestADataDirectoryInUseIsRefused(t *testing.T) {
	dir := t.TempDir()
	s := start(t, embedded.Config{DataDir: dir})
	text := refused(t, embedded.Config{DataDir: dir})
	contains(t, text, "data directory "+dir+" is in use by another natslock (pid "+fmt.Sprint(os.Getpid())+")")
	stop(t, s)
	start(t, embedded.Config{DataDir: dir})
}

func TestAnEndedContextStartsNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := embedded.Start(ctx, embedded.Config{DataDir: t.TempDir()})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err == nil {
		stop(t, s)
	}
}

func TestShutdownTwiceIsNoError(t *testing.T) {
	s := start(t, embedded.Config{})
	stop(t, s)
	stop(t, s)
}
