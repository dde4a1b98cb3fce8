package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	nats "github.com/nats-io/nats-server/v2/server"

	"github.com/natslock/natslock/cmd/natslock/bench"
)

// serving is a serve in a process of its own.
type serving struct {
	cmd   *exec.Cmd
	lines []string // of standard error, up to the line ready
	log   *bufio.Scanner
}

// startServe starts a server and waits until it is ready.
func startServe(t *testing.T, args ...string) *serving {
	t.Helper()
	s := &serving{cmd: process(t, append([]string{"serve"}, args...)...)}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s.log = bufio.NewScanner(stderr)
	for s.log.Scan() {
		s.lines = append(s.lines, s.log.Text())
		if s.log.Text() == "natslock: ready" {
			return s
		}
	}
	t.Fatalf("it ended before it was ready: %q", s.lines)
	return nil
}

// stop sends a signal and returns the status.
func (s *serving) stop(t *testing.T, sig syscall.Signal) int {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	for s.log.Scan() {
		s.lines = append(s.lines, s.log.Text())
	}
	_ = s.cmd.Wait()
	return s.cmd.ProcessState.ExitCode()
}

func TestServeStopsCleanlyOnSignals(t *testing.T) {
	dir := t.TempDir()
	for _, sig := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		s := startServe(t, "--data", dir, "--nats", "127.0.0.1:0")
		if got := s.stop(t, sig); got != 0 {
			t.Errorf("%s: status %d; %q", sig, got, s.lines)
		}
		if last := s.lines[len(s.lines)-1]; !strings.Contains(last, "msg=stopped") {
			t.Errorf("%s: %s", sig, last)
		}
	}
}

func TestServeSaysWhatItsSyncMeans(t *testing.T) {
	for sync, want := range map[string]string{"always": "level=INFO msg=\"sync always: nothing", "250ms": "level=WARN msg=\"sync by interval"} {
		s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", sync)
		if log := strings.Join(s.lines, "\n"); !strings.Contains(log, want) {
			t.Errorf("--sync %s: %s", sync, log)
		}
		s.stop(t, syscall.SIGTERM)
	}
}

func TestServeLogsAsAsked(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--log-format", "json", "--log-level", "warn", "--sync", "1s")
	s.stop(t, syscall.SIGTERM)
	for _, line := range s.lines {
		var record struct{ Level string }
		if line == "natslock: ready" {
			continue
		}
		if err := json.Unmarshal([]byte(line), &record); err != nil || record.Level == "INFO" {
			t.Errorf("%s: %v", line, err)
		}
	}
}

func TestFailedStartIsOneClearLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	used, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	other := startServe(t, "--data", used, "--nats", "127.0.0.1:0")
	defer other.stop(t, syscall.SIGTERM)
	for _, c := range []struct {
		says   string
		status int
		args   []string
	}{
		{"address already in use; give another by --nats, or use the NATS that is there by --nats-url", 1, []string{"--nats", taken.Addr().String()}},
		{"http: listen on " + taken.Addr().String() + ": bind: address already in use; give another by --http", 1, []string{"--http", taken.Addr().String()}},
		{`"8080" is not host:port`, 2, []string{"--http", "8080"}},
		{"http: open nowhere.pem", 1, []string{"--http-tls-cert", "nowhere.pem", "--http-tls-key", "nowhere.pem"}},
		{"one needs the other", 2, []string{"--http-tls-cert", "nowhere.pem"}},
		{"want one such as https://example.com", 2, []string{"--http-origin", "example.com"}},
		{`"https://app.example/": without what is after the host: https://app.example`, 2, []string{"--http-origin", "https://app.example/"}},
		{"--default-expiry", 2, []string{"--default-expiry", "1ms"}},
		{"--http-realm", 2, []string{"--http-realm", ""}},
		{"--max-request-size", 2, []string{"--max-request-size", "65537"}},
		{"at least 1", 2, []string{"--max-waiters", "0"}},
		{"lockd: listen on " + taken.Addr().String() + ": bind: address already in use; give another by --lockd", 1, []string{"--lockd", taken.Addr().String()}},
		{"lockd websockets: listen on " + taken.Addr().String() + ": bind: address already in use; give another by --lockd-ws", 1, []string{"--lockd-ws", taken.Addr().String()}},
		{"lockd: listen unix " + file + ": bind: address already in use; give another by --lockd-unix", 1, []string{"--lockd-unix", file}},
		{`"9999" is not host:port`, 2, []string{"--lockd", "9999"}},
		{"--socketio-ttl", 2, []string{"--socketio-ttl", "1ms"}},
		{"--socketio-grace", 2, []string{"--socketio-grace", "25h"}},
		{"--socketio-realm: must have 1 to 64 bytes", 2, []string{"--socketio-realm", strings.Repeat("r", 65)}},
		{"--lockd-realm: must have 1 to 57 bytes", 2, []string{"--lockd-realm", strings.Repeat("r", 58)}},
		{`"example.com": want one such as https://example.com`, 2, []string{"--lockd-ws-origin", "example.com"}},
		{"ldlm: listen on " + taken.Addr().String() + ": bind: address already in use; give another by --ldlm", 1, []string{"--ldlm", taken.Addr().String()}},
		{"in use; give another by --ldlm-rest", 1, []string{"--ldlm-rest", taken.Addr().String()}},
		{"ldlm: open nowhere.pem", 1, []string{"--ldlm", "127.0.0.1:0", "--ldlm-tls-cert", "nowhere.pem", "--ldlm-tls-key", "nowhere.pem"}},
		{"--ldlm-tls-cert and --ldlm-tls-key: one needs the other", 2, []string{"--ldlm-tls-key", "nowhere.pem"}},
		{"need --ldlm-tls-cert", 2, []string{"--ldlm-client-ca", "nowhere.pem"}},
		{"need --ldlm-tls-cert", 2, []string{"--ldlm-client-cert-verify"}},
		{"--ldlm-rest-origin: origin \"app\"", 2, []string{"--ldlm-rest-origin", "app"}},
		{"--ldlm-realm: must have 1 to 64 bytes", 2, []string{"--ldlm-realm", strings.Repeat("r", 65)}},
		{"in use by another natslock", 1, []string{"--data", used}},
		{"cannot be created", 1, []string{"--data", filepath.Join(file, "data")}},
		{`"nowhere" is not host:port`, 2, []string{"--nats", "nowhere"}},
		{"from 0 to 65535", 2, []string{"--nats", "127.0.0.1:99999"}},
		{"from 0 to 65535", 2, []string{"--nats", "127.0.0.1:-1"}},
		{"lookup nowhere.invalid", 1, []string{"--nats", "nowhere.invalid:4222"}},
		{"no server answers there", 1, []string{"--nats-url", "nats://u:secret@127.0.0.1:1"}},
		{"--sync", 2, []string{"--sync", "sometimes"}},
		{"--sync", 2, []string{"--sync", "0s"}},
		{"--nats-url", 2, []string{"--nats-creds", "nowhere"}},
		{"--replicas", 2, []string{"--replicas", "2"}},
		{"--replicas", 2, []string{"--replicas", "3"}},
		{"none of debug, info, warn, error", 2, []string{"--log-level", "loud"}},
		{"--log-format", 2, []string{"--log-format", "xml"}},
		{"--data", 2, []string{"--data", ""}},
		{"--default-ttl", 2, []string{"--default-ttl", "1ms"}},
		{"--session-ttl", 2, []string{"--session-ttl", "999ms"}},
		{"--reconnect-grace", 2, []string{"--reconnect-grace", "61s"}},
		{"--nats-system-creds", 2, []string{"--nats-system-creds", "nowhere"}},
		{"metrics: listen on " + taken.Addr().String() + ": bind: address already in use; give another by --metrics", 1, []string{"--metrics", taken.Addr().String()}},
		{`"nowhere" is not host:port`, 2, []string{"--metrics", "nowhere"}},
	} {
		args := append([]string{"serve", "--data", t.TempDir(), "--nats", "127.0.0.1:0"}, c.args...)
		if r := bare(t, args...).want(t, c.status, c.says); strings.Contains(r.err, "secret") {
			t.Error(r.err)
		}
	}
}

func TestHoldsOutliveAServerThatIsKilled(t *testing.T) {
	dir := t.TempDir()
	for _, sync := range []string{"always", "1h"} {
		first, err := bench.StartServer(t.Context(), []string{os.Args[0]}, dir, sync)
		if err != nil {
			t.Fatal(err)
		}
		token := bare(t, "acquire", "sync-"+sync, "--ttl", "1h", "--server", first.URL).want(t, 0, "").out
		if err := first.Stop(syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		second, err := bench.StartServer(t.Context(), []string{os.Args[0]}, dir, sync)
		if err != nil {
			t.Fatal(err)
		}
		bare(t, "release", "sync-"+sync, "--token", strings.TrimSpace(token), "--server", second.URL).want(t, 0, "")
		later := bare(t, "acquire", "sync-"+sync, "--server", second.URL).want(t, 0, "").out
		if later <= token {
			t.Errorf("token %s after %s", later, token)
		}
		if err := second.Stop(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
}

// plainNATS starts a NATS server that is not ours.
func plainNATS(t *testing.T, jetStream bool) string {
	t.Helper()
	s, err := nats.NewServer(&nats.Options{
		Host: "127.0.0.1", Port: nats.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: jetStream, StoreDir: t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	return s.ClientURL()
}

func TestServeUsesANATSThatIsThere(t *testing.T) {
	url := plainNATS(t, true)
	bare(t, "acquire", "x", "--server", url, "--timeout", "200ms").want(t, 3, `natslock: no answer within 200ms: is "natslock serve" running on this NATS? (acquire: unavailable: `)
	s := startServe(t, "--nats-url", url)
	bare(t, "acquire", "x", "--server", url).want(t, 0, "")
	if got := s.stop(t, syscall.SIGTERM); got != 0 {
		t.Errorf("status %d; %q", got, s.lines)
	}
}

func TestServeNeedsJetStream(t *testing.T) {
	defer func(d time.Duration) { storePatience = d }(storePatience)
	storePatience = 100 * time.Millisecond
	bare(t, "serve", "--nats-url", plainNATS(t, false)).want(t, 1, "natslock: serve: the store did not answer within 100ms: is JetStream enabled")
	r := bare(t, "serve", "--nats-url", plainNATS(t, false), "--log-level", "debug")
	if !strings.Contains(r.err, "the store is not there yet") || strings.Count(r.err, "natslock: serve: ") != 1 {
		t.Errorf("with all that is logged: %s", r.err)
	}
}

func TestServeThatIsNotLetInSaysSoInOneLine(t *testing.T) {
	s, err := nats.NewServer(&nats.Options{
		Host: "127.0.0.1", Port: nats.RANDOM_PORT, NoLog: true, NoSigs: true, JetStream: true, StoreDir: t.TempDir(), Authorization: "right",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the server does not start")
	}
	url := "nats://wrong@" + s.Addr().String()
	r := bare(t, "serve", "--nats-url", url).want(t, 1, "natslock: serve: connect to nats://"+s.Addr().String()+": ")
	if !strings.Contains(r.err, "give --nats-creds") || strings.Contains(r.err, "wrong") {
		t.Error(r.err)
	}
}

func TestServeSaysWhatIsNotUsed(t *testing.T) {
	s := startServe(t, "--nats-url", plainNATS(t, true), "--data", t.TempDir(), "--nats=127.0.0.1:0")
	defer s.stop(t, syscall.SIGTERM)
	log := strings.Join(s.lines, "\n")
	for name, want := range map[string]bool{"--data": true, "--nats": true, "--sync": false} {
		if got := strings.Contains(log, `level=WARN msg="not used: `) && strings.Contains(log, "flag="+name+"\n"); got != want {
			t.Errorf("%s: %v\n%s", name, got, log)
		}
	}
}

func TestServeThatIsStoppedWhileItStartsSaysNothing(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := runMain(ctx, "serve", "--data", t.TempDir(), "--nats", "127.0.0.1:0"); r.status != 0 || r.err != "" {
		t.Errorf("%+v", r)
	}
}
