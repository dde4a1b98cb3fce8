package main

import (
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

func TestServeShowsTheConsole(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0")
	url := s.logged(t, "http listens", "url")
	if code, text := look(t, url+"/console", "", ""); code != 200 || !strings.Contains(text, "natslock console") {
		t.Errorf("%d %s", code, text)
	}
	if code, text := look(t, url+"/test", "", ""); code != 404 || !strings.Contains(text, "NATSLOCK_AUTH_USER") || !strings.Contains(text, "it is at /console") {
		t.Errorf("/test: %d %s", code, text)
	}
	if code, text := look(t, url+"/", "", ""); code != 200 || !strings.Contains(text, "natslock console") {
		t.Errorf("%d %s", code, text)
	}
	if got := s.stop(t, syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}
}

func TestServeShowsTheConsoleToThoseWithCredentials(t *testing.T) {
	t.Setenv("NATSLOCK_AUTH_USER", "ann")
	t.Setenv("NATSLOCK_AUTH_PASSWORD", "secret")
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0")
	url := s.logged(t, "http listens", "url")
	for _, path := range []string{"/console", "/test"} {
		for password, want := range map[string]int{"secret": 200, "wrong": 401} {
			if code, _ := look(t, url+path, "ann", password); code != want {
				t.Errorf("%s, %s: %d", path, password, code)
			}
		}
	}
	if got := s.stop(t, syscall.SIGTERM); got != 0 {
		t.Errorf("status %d", got)
	}
}

func TestServeWantsBothCredentialsOrNone(t *testing.T) {
	r := bare(t, "serve", "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--auth-user", "ann")
	if r.status != 2 || !strings.Contains(r.err, "--auth-password") {
		t.Errorf("%+v", r)
	}
}

// look asks for a page, with credentials if there is a user.
func look(t *testing.T, url, user, password string) (code int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if user != "" {
		r.SetBasicAuth(user, password)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got.StatusCode, string(body)
}
