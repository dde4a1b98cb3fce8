package main

import (
	"context"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
	"github.com/natslock/natslock/service/gateway/socketio/socket"
)

// serve returns the address of a server that answers with an event.
func serve(t *testing.T, answer string) string {
	t.Helper()
	connect := func(s *socket.Socket) error {
		s.On("message", func(e *socket.Event) { _ = s.Emit(answer, e.Args[0]) })
		return s.Emit("auth")
	}
	server, err := socket.New(socket.Config{
		Namespaces: map[string]socket.Connect{"/": connect},
		Engine:     engine.Config{DrainSpread: time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	h := httptest.NewServer(server)
	t.Cleanup(func() {
		if err := server.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		h.Close()
	})
	return "ws" + strings.TrimPrefix(h.URL, "http")
}

func TestItMeasuresWhatComesBack(t *testing.T) {
	var out strings.Builder
	s := settings{url: serve(t, "message-back"), sockets: 3, rest: 10 * time.Millisecond, idle: 2, pid: os.Getpid()}
	if err := run(t.Context(), s, &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "2 idle: ") || !strings.Contains(got, "; 3 talk: ") {
		t.Errorf("printed %q", got)
	}
}

func TestItMeasuresNothingElse(t *testing.T) {
	right := settings{url: serve(t, "message-back"), sockets: 1, rest: time.Millisecond, pid: os.Getpid()}
	for name, change := range map[string]func(*settings){
		"another answer": func(s *settings) { s.url = serve(t, "another") },
		"no server":      func(s *settings) { s.url = "ws://127.0.0.1:1" },
		"no process":     func(s *settings) { s.pid = -1 },
		"no sockets":     func(s *settings) { s.sockets = 0 },
	} {
		s := right
		change(&s)
		if err := run(t.Context(), s, &strings.Builder{}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
