package main

import (
	"bufio"
	"context"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/cmd/natslock/bench"
)

// quick are flags for a benchmark that takes moments.
var quick = []string{"bench", "--sync", "1h", "--duration", "40ms", "--rounds", "2"}

func TestBenchMeasuresEachPointBesideTheEcho(t *testing.T) {
	dir := t.TempDir()
	r := bare(t, append(quick, "--callers", "1,4", "--waiters", "4", "--dir", dir, "--json")...)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	report := object(t, r.out)
	if report["sync"] != "1h0m0s" || report["fsync_p50_us"].(float64) <= 0 || report["connections"] != 2.0 {
		t.Errorf("%v", report)
	}
	points := append(report["separate"].([]any), report["hot"].([]any)...)
	if len(points) != 3 {
		t.Fatalf("%d points: %v", len(points), points)
	}
	for i, callers := range []float64{1, 4, 4} {
		p := points[i].(map[string]any)
		echo := p["echo"].(map[string]any)
		if p["callers"] != callers || p["out_of_order"] != 0.0 || p["ratio"].(float64) <= 0 || p["p50_ratio"].(float64) <= 0 {
			t.Errorf("%v", p)
		}
		for _, side := range []map[string]any{p, echo} {
			if side["per_second"].(float64) <= 0 || side["p50_us"].(float64) <= 0 || side["p99_us"].(float64) < side["p50_us"].(float64) {
				t.Errorf("%v", side)
			}
		}
	}
	for _, want := range []string{"separate names, 1 callers", "separate names, 4 callers", "one hot name, 4 waiters"} {
		if !strings.Contains(r.err, "natslock: measuring "+want+"\n") {
			t.Errorf("no progress for %s: %s", want, r.err)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBenchPrintsTables(t *testing.T) {
	out := bare(t, append(quick, "--callers", "2", "--waiters", "2", "--server", server.URL)...).out
	for _, want := range []string{"server " + server.URL + "\n", "CALLERS  PAIRS/S", "WAITERS  HAND-OVERS/S", "ECHO P99", "OUT OF ORDER"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if only := bare(t, append(quick, "--only", "hot", "--waiters", "2", "--server", server.URL)...).out; strings.Contains(only, "CALLERS") {
		t.Error(only)
	}
}

func TestBenchOfAServerWithoutEchoHasNoRatios(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", "1h")
	defer s.stop(t, syscall.SIGTERM)
	url := ""
	for _, line := range s.lines {
		if _, rest, ok := strings.Cut(line, "url="); ok {
			url, _, _ = strings.Cut(rest, " ")
		}
	}
	r := bare(t, append(quick, "--only", "separate", "--callers", "1", "--server", url, "--json")...)
	if r.status != 0 || strings.Contains(r.out, "ratio") || strings.Contains(r.out, "echo") {
		t.Errorf("%+v", r)
	}
}

func TestBenchHoldsLocksOverRestarts(t *testing.T) {
	r := bare(t, append(quick, "--held", "300", "--dir", t.TempDir(), "--json")...)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	held := object(t, r.out)["held"].(map[string]any)
	restarts := held["restarts"].([]any)
	if held["locks"] != 300.0 || held["rss_bytes"].(float64) < 1e6 || len(restarts) != 2 {
		t.Errorf("%v", held)
	}
}

func TestInterruptedBenchRemovesItsServer(t *testing.T) {
	dir := t.TempDir()
	cmd := process(t, "bench", "--sync", "1h", "--only", "separate", "--callers", "1", "--duration", "1m", "--dir", dir)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	log := bufio.NewReader(stderr)
	if line, err := log.ReadString('\n'); err != nil || line != "natslock: measuring separate names, 1 callers\n" {
		t.Fatalf("%q, %v", line, err)
	}
	pids, err := filepath.Glob(filepath.Join(dir, "*", "data", "natslock.lock"))
	if err != nil || len(pids) != 1 {
		t.Fatalf("%v, %v", pids, err)
	}
	text, err := os.ReadFile(pids[0])
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(log)
	if err != nil || len(rest) > 0 {
		t.Errorf("%s, %v", rest, err)
	}
	_ = cmd.Wait()
	if got := cmd.ProcessState.ExitCode(); got != 130 {
		t.Errorf("status %d", got)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("the server, process %d, lives", pid)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestBenchKillsHolders(t *testing.T) {
	r := bare(t, append(quick, "--only", "kill", "--kills", "2", "--json")...)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	killed := object(t, r.out)["killed"].([]any)
	if len(killed) != 2 {
		t.Fatal(killed)
	}
	for i, grace := range []float64{2000, 0} {
		k := killed[i].(map[string]any)
		if k["grace_ms"] != grace || k["kills"] != 2.0 || k["p50_us"].(float64) <= grace*1000 || k["seen_p50_us"].(float64) <= 0 {
			t.Errorf("%v", k)
		}
	}
}

func TestBenchHasSessionsThatDie(t *testing.T) {
	// Each with a connection of its own, so that they are missed at once.
	r := bare(t, append(quick, "--only", "sessions", "--sessions", "20", "--connections", "20", "--json")...)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	p := object(t, r.out)["presence"].(map[string]any)
	if p["sessions"] != 20.0 || p["locks"] != 100.0 || p["waiters"] != 2.0 || p["rss_bytes"].(float64) < 1e6 ||
		p["sender_cpu"] == nil || p["echo_sender_cpu"] == nil || p["released_ms"].(float64) < 2000 || p["granted_ms"].(float64) < 2000 {
		t.Errorf("%v", p)
	}
}

func TestBenchMeasuresBesideIdleSessions(t *testing.T) {
	r := bare(t, append(quick, "--only", "idle", "--sessions", "30", "--callers", "2", "--json")...)
	if r.status != 0 {
		t.Fatalf("%+v", r)
	}
	p := object(t, r.out)["idle"].([]any)[0].(map[string]any)
	if p["callers"] != 2.0 || p["sessions"] != 30.0 || p["ratio"].(float64) <= 0 || p["echo_ratio"].(float64) <= 0 || p["sender_cpu"] == nil || p["with"].(map[string]any)["per_second"].(float64) <= 0 {
		t.Errorf("%v", p)
	}
	table := bare(t, append(quick, "--only", "idle", "--sessions", "3", "--callers", "1", "--rounds", "1")...)
	if !strings.Contains(table.out, "CALLERS  PAIRS/S") || !strings.Contains(table.out, "SESSIONS") {
		t.Errorf("%+v", table)
	}
}

func TestBenchRefusesNonsense(t *testing.T) {
	for _, args := range [][]string{
		{"--callers", "0"}, {"--waiters", "1000"}, {"--rounds", "0"}, {"--connections", "0"}, {"--duration", "1ms"},
		{"--held=-1"}, {"--held", "1", "--server", server.URL}, {"--only", "cold"}, {"--sync", "never"},
		{"--kills", "0"}, {"--sessions", "0"}, {"--only", "kill", "--server", server.URL},
	} {
		bare(t, append([]string{"bench"}, args...)...).want(t, 2, "bench: ")
	}
	bare(t, append(quick, "--dir", "/nonexistent/dir")...).want(t, 1, "bench: make a data directory")
}

func TestRSSIsThatOfAProcess(t *testing.T) {
	if n, err := bench.RSS(os.Getpid()); err != nil || n < 1e6 {
		t.Errorf("%d, %v", n, err)
	}
}

func TestCrowdSaysWhatItCannotDo(t *testing.T) {
	var out strings.Builder
	in := strings.NewReader(`{"do":"dance"}` + "\n" + `{"do":"open","sessions":1,"connections":1,"ttl":1,"every":1000000000,"name":"x"}` + "\n")
	if err := bench.ServeCrowd(t.Context(), in, &out, func(context.Context) (*nats.Conn, error) { return nats.Connect(server.URL) }); err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSpace(out.String()), "\n")
	if len(answers) != 2 || !strings.Contains(answers[0], "no such order") || !strings.Contains(answers[1], "keepalive: invalid ttl_ms") {
		t.Error(answers)
	}
}
