package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// codeOf makes a call over HTTP and returns its status.
func codeOf(t *testing.T, url string) int {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	_ = r.Body.Close()
	return r.StatusCode
}

func TestServeDoorsAlone(t *testing.T) {
	url := plainNATS(t, true)
	worker := startServe(t, "--nats-url", url, "--http", "")
	doors := startServe(t, "--nats-url", url, "--no-worker", "--http", "127.0.0.1:0", "--lockd", "127.0.0.1:0", "--replicas", "3", "--drain", "1s")
	for _, want := range []string{"doors alone", "flag=--replicas"} {
		if log := strings.Join(doors.lines, "\n"); !strings.Contains(log, want) {
			t.Errorf("%s, want %s", log, want)
		}
	}
	if n := strings.Count(fetch(t, doors.logged(t, "http listens", "url")+"/metrics"), "natslock_replica_lag_writes"); n != 0 {
		t.Errorf("%d metrics of a worker", n)
	}
	base := doors.logged(t, "http listens", "url")
	if code, _ := post(t, base+"/v1/realms/lockd/locks/a", `{"ttl_ms":3600000}`); code != 200 {
		t.Error(code)
	}
	dialLockd(t, "tcp", doors.logged(t, "lockd listens", "addr")).want(t, "g a", "0 Lock Get Failure: a")

	until := func(want int) {
		t.Helper()
		for code := codeOf(t, base+"/readyz"); code != want; code = codeOf(t, base+"/readyz") {
			if code != 200 && code != 503 {
				t.Fatal(code)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	until(200)
	if got := worker.stop(t, syscall.SIGTERM); got != 0 {
		t.Errorf("status %d: %q", got, worker.lines)
	}
	until(503)
	if got := codeOf(t, base+"/healthz"); got != 200 {
		t.Error(got)
	}
	next := startServe(t, "--nats-url", url, "--http", "")
	until(200)
	if got := doors.stop(t, syscall.SIGTERM); got != 0 {
		t.Errorf("status %d: %q", got, doors.lines)
	}
	next.stop(t, syscall.SIGTERM)
}

func TestServeDoorsAloneSaysWhatIsMissing(t *testing.T) {
	bare(t, "serve", "--no-worker").want(t, 2, "natslock: serve: --no-worker: give --nats-url")
	url := plainNATS(t, false)
	bare(t, "serve", "--no-worker", "--nats-url", url, "--http", "").want(t, 2, "natslock: serve: --no-worker without a door is nothing: give --http, --lockd")
	defer func(d time.Duration) { workerPatience = d }(workerPatience)
	workerPatience = 300 * time.Millisecond
	bare(t, "serve", "--no-worker", "--nats-url", url, "--http", "127.0.0.1:0").want(t, 1, "natslock: serve: no worker has answered on this nats within 300ms: start one, by natslock serve without --no-worker")
}
