package embedded

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"testing"

	"github.com/natslock/natslock/internal/bubbletest"
)

// A port can be taken between the look at it and the server's own listening.
func TestAPortThatIsTakenMeanwhileStopsTheServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	data, err := openDataDir(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{log: newLogger(nil), data: data, secrets: newSecrets()}
	port := l.Addr().(*net.TCPAddr).Port
	err = s.start(t.Context(), Config{DataDir: data.path}.withDefaults(), address{host: "127.0.0.1", port: port, listen: true})
	if err == nil || !strings.Contains(err.Error(), "address already in use") {
		t.Errorf("error %v", err)
	}
	if err := s.Shutdown(); err != nil {
		t.Error(err)
	}
}

func TestAFullDiskIsNoticed(t *testing.T) {
	f, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := fill(f); err == nil || reason(err).Error() != "no space left on device" {
		t.Errorf("error %v", err)
	}
}

func TestAStoreThatCannotWriteFails(t *testing.T) {
	l := newLogger(nil)
	l.Warnf("nothing to see")
	l.Errorf("JetStream stream '%s > %s' critical write error: %v", "A", "KV", "no space left on device")
	l.Errorf("JetStream stream '%s > %s' critical write error: %v", "A", "KV", "again")
	s := Server{log: l}
	select {
	case err := <-s.Failed():
		if !strings.Contains(err.Error(), "no space left on device") {
			t.Errorf("error %v", err)
		}
	default:
		t.Error("it did not fail")
	}
}

// What callers may provoke with each message must not fill the log.
func TestDeniedMessagesAreLoggedSeldom(t *testing.T) {
	bubbletest.Run(t, func(t *testing.T) {
		var out bytes.Buffer
		l := newLogger(slog.New(slog.NewTextHandler(&out, nil)))
		for i := range 1000 {
			l.Errorf("127.0.0.1:%d - cid:%d - \"v1.55.0:go:me\" - Publish Violation - User %q, Subject %q", 4000+i, i, "caller", fmt.Sprint("$JS.", i))
			l.Errorf("%s - maximum payload exceeded: %d vs %d", fmt.Sprintf("[::1]:%d - cid:%d", 5000+i, i), 1000+i, i)
		}
		if lines := strings.Split(strings.TrimSpace(out.String()), "\n"); len(lines) != 2 || !strings.Contains(lines[0], "Publish Violation") || !strings.Contains(lines[1], "payload") {
			t.Errorf("%d lines: %.500q", len(lines), lines)
		}
	})
}
