package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// logged is the value of a field in the log up to ready.
func (s *serving) logged(t *testing.T, message, field string) string {
	t.Helper()
	for _, line := range s.lines {
		if strings.Contains(line, message) {
			if m := regexp.MustCompile(field + `=(\S+)`).FindStringSubmatch(line); m != nil {
				return m[1]
			}
		}
	}
	t.Fatalf("no %s of %q in the log: %q", field, message, s.lines)
	return ""
}

func TestMetricsAreServed(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
	server := s.logged(t, "nats listens", "url")
	if r := bare(t, "acquire", "--server", server, "a"); r.status != 0 {
		t.Fatalf("acquire: %+v", r)
	}
	fetch(t, s.logged(t, "http listens", "url")+"/readyz")
	if same := fetch(t, s.logged(t, "http listens", "url")+"/metrics"); !strings.Contains(same, "\nnatslock_holds 1\n") {
		t.Errorf("the http door says\n%s", same)
	}
	body := fetch(t, s.logged(t, "metrics", "url")) // by now the first call has been counted: the second came over its connection
	for _, line := range []string{
		"natslock_holds 1", `natslock_requests_total{status="granted",verb="acquire"} 1`,
		`natslock_replica_lag_writes{bucket="locks"} 0`, "natslock_build_info{version=", "go_goroutines",
	} {
		if !strings.Contains(body, "\n"+line) {
			t.Errorf("no %s in\n%s", line, body)
		}
	}
	documented(t, body)
	if status := s.stop(t, syscall.SIGTERM); status != 0 {
		t.Errorf("status %d", status)
	}
}

// fetch returns what is at a URL.
func fetch(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err = errors.Join(err, r.Body.Close()); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v: %s", url, r.Status, err, body)
	}
	return string(body)
}

// documented fails the test unless docs/metrics.md and the dashboard speak of the
// metrics that there are, and the former of all.
func documented(t *testing.T, metrics string) {
	t.Helper()
	has := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^# TYPE (natslock_\w+)`).FindAllStringSubmatch(metrics, -1) {
		has[m[1]] = true
	}
	for _, name := range []string{"metrics.md", "dashboard.json"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		says := map[string]bool{}
		for _, m := range regexp.MustCompile(`natslock_\w+`).FindAllString(string(text), -1) {
			base := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(m, "")
			if says[base] = true; !has[base] {
				t.Errorf("%s speaks of %s, which is not there", name, m)
			}
		}
		for _, m := range regexp.MustCompile(`(natslock_\w+)\{([^}]*)\}`).FindAllStringSubmatch(strings.ReplaceAll(string(text), `\"`, `"`), -1) {
			for _, label := range regexp.MustCompile(`(\w+)=~?"([a-z_|]+)"`).FindAllStringSubmatch(m[2], -1) {
				for value := range strings.SplitSeq(label[2], "|") {
					series := regexp.MustCompile(`(?m)^` + m[1] + `\{.*\b` + label[1] + `="` + value + `"`)
					if !series.MatchString(metrics) {
						t.Errorf("%s speaks of %s with %s=%s, which is not there", name, m[1], label[1], value)
					}
				}
			}
		}
		for metric := range has {
			if name == "metrics.md" && !says[metric] {
				t.Errorf("%s says nothing of %s", name, metric)
			}
		}
	}
}
