package bus

import (
	"strings"
	"testing"
)

func TestRedactKeepsPasswordsOutOfSight(t *testing.T) {
	for server, want := range map[string]string{
		"nats://127.0.0.1:4222":                "nats://127.0.0.1:4222",
		"nats://u:p@h:1,tls://token@g:2":       "nats://h:1,tls://g:2",
		"u:p@h:1":                              "nats://h:1",
		"nats://u:p%zz@h:1":                    "nats://h:1",
		"nats://u:p#:/?x@h:1":                  "nats://h:1",
		"nats://user@h:1, tls://token@g:2":     "nats://h:1,tls://g:2",
		"ws://user:pass@example.com:8080/path": "ws://example.com:8080/path",
	} {
		if got := Redact(server); got != want {
			t.Errorf("%s: %s, want %s", server, got, want)
		}
	}
}

func TestFailedConnectKeepsSecretsToItself(t *testing.T) {
	for _, server := range []string{
		"nats://secret@127.0.0.1:1", "nats://secret:secret@127.0.0.1:1", "nats://u:secret%zz@127.0.0.1:1", "nats://u:secret#:/?x@127.0.0.1:1",
	} {
		nc, err := Connect(t.Context(), server, ConnectConfig{})
		if err == nil {
			nc.Close()
			t.Fatalf("connected to %s", server)
		}
		if !strings.HasPrefix(err.Error(), "connect to nats://127.0.0.1:1: ") || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	}
}
