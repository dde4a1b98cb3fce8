package embedded_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus/embedded"
)

// lines are those of a log.
type lines chan string

func (l lines) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// listen is a caller who listens to a subject. closed is closed with its connection.
func listen(t *testing.T, s *embedded.Server, subject string) (nc *nats.Conn, closed chan struct{}) {
	t.Helper()
	closed = make(chan struct{})
	nc, err := nats.Connect(s.ClientURL(), nats.Name("spy"), nats.NoReconnect(), nats.ClosedHandler(func(*nats.Conn) { close(closed) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	if _, err := nc.SubscribeSync(subject); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	return nc, closed
}

func TestWhoListensToAllInboxesIsClosed(t *testing.T) {
	log := make(lines, 1000)
	s := start(t, embedded.Config{Addr: "127.0.0.1:0", Logger: slog.New(slog.NewTextHandler(log, nil))})
	worker, err := s.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	if _, err := worker.SubscribeSync(worker.NewInbox()); err != nil {
		t.Fatal(err)
	}
	allowed := map[string]*nats.Conn{}
	for _, subject := range []string{
		"_INBOX.Hc4Yc8vZqJZV2ERKhbQbzP", "_INBOX.Hc4Yc8vZqJZV2ERKhbQbzP.*", "_INBOX.Hc4Yc8vZqJZV2ERKhbQbzP.>",
		"_INBOX_me.>", "lockevent.>", "app.>", "*.thing.>",
	} {
		allowed[subject], _ = listen(t, s, subject)
	}
	for _, subject := range []string{">", "*.>", "*.*", "*.*.*", "_INBOX.>", "_INBOX.*", "_INBOX.*.>", "_INBOX.*.*", "*.*.>"} {
		_, closed := listen(t, s, subject)
		<-closed // or the whole test is out of time
	}
	for subject, nc := range allowed {
		if err := nc.Flush(); err != nil {
			t.Errorf("who listens to %s is closed: %v", subject, err)
		}
	}
	if worker.Stats().Reconnects > 0 {
		t.Error("the worker was closed")
	}
	line := <-log
	for _, want := range []string{"listens to the answers of all callers, as nats subscribe '>' does", "nats subscribe 'lockevent.>'", "name=spy"} {
		if !strings.Contains(line, want) {
			t.Errorf("logged %q, without %s", line, want)
		}
	}
}
