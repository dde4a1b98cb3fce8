package embedded_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/embedded"
)

// A watch of many large records fills the connection faster than it is read.
func TestAStartWithMuchDataKeepsTheConnection(t *testing.T) {
	s := start(t, embedded.Config{Sync: time.Second})
	b := open(t, s)
	const records, size = 400, 200 << 10
	for i := 0; i < records; i += 20 {
		put(t, b, i, i+20, size)
	}
	nc, err := s.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	again, err := bus.OpenBucket(t.Context(), nc, bus.BucketConfig{Name: bucketName})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	seen := 0
	if err := again.Watch(ctx, func(bus.Entry) { seen++ }, cancel); err != nil {
		t.Fatal(err)
	}
	if n := nc.Stats().Reconnects; seen != records || n > 0 {
		t.Errorf("%d of %d records were seen, with %d reconnects", seen, records, n)
	}
}

// listener is a connection that subscribes by hand, and then reads nothing.
func listener(t *testing.T, s *embedded.Server, name, subject string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.ClientURL(), "nats://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(conn, "CONNECT {\"verbose\":false,\"name\":%q}\r\nSUB %s 1\r\nPING\r\n", name, subject); err != nil {
		t.Fatal(err)
	}
	for r := bufio.NewReader(conn); ; {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "PONG\r\n" {
			return
		}
	}
}

func TestWhoDoesNotReadIsClosedAndNobodyElse(t *testing.T) {
	s := start(t, embedded.Config{Addr: "127.0.0.1:0"})
	system, err := s.SystemConn()
	if err != nil {
		t.Fatal(err)
	}
	defer system.Close()
	closed, err := system.SubscribeSync("$SYS.ACCOUNT." + embedded.Account + ".DISCONNECT")
	if err != nil {
		t.Fatal(err)
	}
	if err := system.Flush(); err != nil {
		t.Fatal(err)
	}
	worker, err := s.WorkerConn()
	if err != nil {
		t.Fatal(err)
	}
	defer worker.Close()
	reader, err := s.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	events, err := reader.SubscribeSync("lockevent.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Flush(); err != nil {
		t.Fatal(err)
	}
	listener(t, s, "slow", "lockevent.>")

	event := make([]byte, 32<<10)
	for begin := time.Now(); ; {
		if err := bus.PublishEvent(worker, "lockevent.x.granted", event); err != nil {
			t.Fatal(err)
		}
		asked := time.Now()
		if _, err := events.NextMsg(10 * time.Second); err != nil {
			t.Fatalf("who reads hears no event: %v", err)
		}
		if took := time.Since(asked); took > time.Second {
			t.Errorf("who reads heard an event after %s", took)
		}
		if m, err := closed.NextMsg(time.Nanosecond); err == nil {
			if text := string(m.Data); !strings.Contains(text, `"name":"slow"`) || !strings.Contains(text, server.SlowConsumerWriteDeadline.String()) {
				t.Errorf("closed: %s", text)
			}
			break
		}
		if time.Since(begin) > time.Minute {
			t.Fatal("who does not read is still there")
		}
	}
	if worker.Stats().Reconnects+reader.Stats().Reconnects > 0 {
		t.Error("somebody else was closed too")
	}
}

// The contract knows no message that is larger than the largest answer.
func TestTheServerTakesNoLargerMessageThanThereIs(t *testing.T) {
	s := start(t, embedded.Config{})
	nc, err := s.CallerConn()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if n := nc.MaxPayload(); n != bus.MinPayload {
		t.Errorf("max_payload is %d, want %d", n, bus.MinPayload)
	}
}
