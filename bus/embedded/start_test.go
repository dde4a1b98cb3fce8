package embedded

import (
	"net"
	"strings"
	"testing"
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
