package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// post makes a call over HTTP and returns its status.
func post(t *testing.T, url, body string) (code int, header http.Header) {
	t.Helper()
	r, err := http.Post(url, "application/json", strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return 0, nil
	}
	_ = r.Body.Close()
	return r.StatusCode, r.Header
}

func TestServeAnswersThoseWhoWaitOverHTTPBeforeItStops(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--drain", "1m")
	lock := s.logged(t, "http listens", "url") + "/v1/realms/default/locks/a"
	if code, _ := post(t, lock, `{"ttl_ms":3600000}`); code != 200 {
		t.Fatal(code)
	}
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if code, header := post(t, lock, `{"wait_ms":3600000}`); code != 503 || header.Get("Retry-After") == "" {
			t.Errorf("%d %v", code, header)
		}
	}()
	for !strings.Contains(fetch(t, lock), `"waiters"`) {
		time.Sleep(time.Millisecond)
	}
	if status := s.stop(t, syscall.SIGTERM); status != 0 {
		t.Errorf("status %d: %q", status, s.lines)
	}
	<-answered
}

func TestServeWithoutHTTP(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--http", "")
	s.stop(t, syscall.SIGTERM)
	for _, line := range s.lines {
		if strings.Contains(line, "http") {
			t.Error(line)
		}
	}
}

func TestServeSaysWhatIsWrongWithACertificate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "none.pem")
	if err := os.WriteFile(file, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	bare(t, "serve", "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--http-tls-cert", file, "--http-tls-key", file).
		want(t, 1, "natslock: serve: http: tls: failed to find any PEM data")
}
