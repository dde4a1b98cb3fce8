package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/bus/embedded"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// reader reads server-sent events.
type reader struct {
	t    *testing.T
	body io.ReadCloser
	text *bufio.Scanner
}

// read opens a stream of events and returns when it is in force.
func (d *door) read(ctx context.Context) *reader {
	d.t.Helper()
	r, err := http.NewRequestWithContext(ctx, "GET", d.url+"/v1/realms/default/events", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	got, err := d.http.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	if got.StatusCode != 200 || got.Header.Get("Content-Type") != "text/event-stream" {
		d.t.Fatal(got)
	}
	s := &reader{d.t, got.Body, bufio.NewScanner(got.Body)}
	if got := s.frame(); got[0][0] != ':' {
		d.t.Fatal(got)
	}
	return s
}

// frame is what comes up to the next empty line; nil at the end.
func (r *reader) frame() (lines []string) {
	for r.text.Scan() && r.text.Text() != "" {
		lines = append(lines, r.text.Text())
	}
	return lines
}

// Whoever asks only how events would be answered waits for none of them.
func TestTheHeadOfEventsHasAnEnd(t *testing.T) {
	d := open(t, gateway.Limits{Connections: 1}, httpapi.Config{})
	c := d.dial()
	defer c.Close()
	for _, call := range []string{"HEAD /v1/realms/default/events", "GET /ping"} {
		if _, err := io.WriteString(c, call+" HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	r := bufio.NewReader(c)
	for _, method := range []string{"HEAD", "GET"} {
		a, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(a.Body); err != nil || a.StatusCode != 200 || method == "GET" && string(body) != "pong" {
			t.Errorf("%s: %d %q, %v", method, a.StatusCode, body, err)
		}
		if err := a.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestEventsAreTold(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	s := d.read(t.Context())
	defer s.body.Close()
	a := d.call("POST", lockPath+"x%0Ay", `{"client":"ann"}`)
	d.call("DELETE", lockPath+"x%0Ay?token="+a.token(t), "").want(t, 200, "released")
	for i, what := range []string{"granted", "released"} {
		lines := s.frame()
		if len(lines) != 3 || lines[0] != "event: "+what || lines[1] != fmt.Sprint("id: ", i+1) {
			t.Fatalf("%q", lines)
		}
		var e struct{ Type, Name, Client string }
		if err := json.Unmarshal([]byte(strings.TrimPrefix(lines[2], "data: ")), &e); err != nil || e.Type != what || e.Name != "x\ny" || e.Client != "ann" {
			t.Errorf("%s: %v", lines[2], err)
		}
	}
}

func TestReadersOfEventsVanish(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	s := d.read(ctx)
	cancel()
	_, _ = io.Copy(io.Discard, s.body) // until it is closed
	_ = s.body.Close()
	c := d.dial()
	if _, err := io.WriteString(c, "GET /v1/realms/default/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	d.call("POST", lockPath+"a", "").want(t, 200, "granted")
	// What is left of the readers would be found by Drain, and by goleak.
}

// TestASlowReaderOfEventsIsCutOff has a reader read nothing, while more happens than
// is kept for it.
func TestASlowReaderOfEventsIsCutOff(t *testing.T) {
	server, err := embedded.Start(t.Context(), embedded.Config{DataDir: t.TempDir(), Sync: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Shutdown() })
	worker, err := server.WorkerConn() // who alone may tell of events
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(worker.Close)
	d := &door{t: t}
	d.serve(worker, gateway.Limits{}, httpapi.Config{})
	d.gateway.Ready()
	c := d.dial()
	defer c.Close()
	if err := c.(*net.TCPConn).SetReadBuffer(256 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, "GET /v1/realms/default/events HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(c)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Fatal(line, err)
	}
	other := d.read(t.Context()) // who reads is not cut off
	defer other.body.Close()
	// Events as workers tell them, more than the buffers of two sockets take; and never
	// more at a time than who reads may be behind.
	event := []byte(`{"type":"granted","realm":"default","name":"` + strings.Repeat("n", 500) + `"}`)
	for i := range 40 {
		for range 500 {
			if err := worker.Publish("lockevent.default.granted", event); err != nil {
				t.Fatal(err)
			}
		}
		for n := range 500 {
			if other.frame() == nil {
				t.Fatalf("who reads was cut off after %d", i*500+n)
			}
		}
	}
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, lines)
	if errors.Is(err, os.ErrDeadlineExceeded) || n >= 20_000*500 {
		t.Errorf("not cut off after %d bytes: %v", n, err)
	}
}

// TestReadersOfEventsThatMayHaveMissedSomeAreCutOff has a gateway whose connections to
// NATS are cut and mended.
func TestReadersOfEventsThatMayHaveMissedSomeAreCutOff(t *testing.T) {
	d := &door{t: t, nats: clienttest.New(t)}
	d.locks = d.nats.Client(nil)
	nc, cable := d.nats.Cable()
	d.serve(nc, gateway.Limits{}, httpapi.Config{})
	d.gateway.Ready()
	readers := []*reader{d.read(t.Context()), d.read(t.Context())}
	cable.Cut()
	cable.Mend()
	for _, r := range readers {
		if got := r.frame(); got != nil {
			t.Errorf("%q", got)
		}
		_ = r.body.Close()
	}
	s := d.read(t.Context())
	defer s.body.Close()
	if _, err := d.locks.TryAcquire(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	if got := s.frame(); len(got) != 3 || got[1] != "id: 1" {
		t.Errorf("%q", got)
	}
}

func TestEventsEndWhenTheDoorIsDrained(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	s := d.read(t.Context())
	defer s.body.Close()
	d.drain()
	if got := s.frame(); got != nil {
		t.Errorf("%q", got)
	}
}
