package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/schema"
)

// attend opens a session of a client that holds a lock.
func attend(t *testing.T, session, client, name string) {
	t.Helper()
	timeout := 10 * time.Second
	c := caller{Server: server.URL, Realm: realm(t), Client: client, Timeout: &timeout}
	s, err := c.dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	keepalive := &schema.Keepalive{Session: session, Client: client, Create: true}
	if r, err := s.call(t.Context(), schema.VerbKeepalive, keepalive); err != nil || !r.Status.OK() {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err := s.call(t.Context(), schema.VerbAcquire, &schema.Acquire{Name: name, Client: client, Session: session}); err != nil || !r.Status.OK() {
		t.Fatalf("%+v, %v", r, err)
	}
}

func TestSessionsAreShown(t *testing.T) {
	attend(t, "s-1", "one", "a")
	attend(t, "s-2", "two", "b")
	want := "s-1	one	1	0	DURATION	DURATION	DURATION	TIME\ns-2	two	1	0	DURATION	DURATION	DURATION	TIME"
	if diff := cmp.Diff(want, masked(ok(t, "sessions"))); diff != "" {
		t.Error(diff)
	}
	var s struct{ Session, Client string }
	if err := json.Unmarshal([]byte(ok(t, "sessions", "--holder", "two", "--json")), &s); err != nil || s.Session != "s-2" || s.Client != "two" {
		t.Errorf("%+v, %v", s, err)
	}
	if out := ok(t, "sessions", "--limit", "1"); !strings.HasPrefix(out, "s-1") || strings.Contains(out, "s-2") {
		t.Errorf("%q", out)
	}
	if row := ok(t, "inspect", "a"); !strings.Contains(row, "s-1") {
		t.Errorf("inspect does not show the session: %q", row)
	}
}
