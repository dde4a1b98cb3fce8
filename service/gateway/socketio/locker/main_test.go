package locker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

func TestMain(m *testing.M) {
	ats.Register()
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// door is a door on a natslock that others may share.
type door struct {
	t       *testing.T
	metrics *prometheus.Registry
	gateway *gateway.Gateway
	server  *locker.Server
	http    *httptest.Server
	url     string
}

func open(t *testing.T, nc *nats.Conn, limits gateway.Limits, cfg locker.Config) *door {
	t.Helper()
	metrics := prometheus.NewRegistry()
	g, err := gateway.New(nc, gateway.Config{Limits: limits, Metrics: metrics, Logger: cfg.Logger})
	if err != nil {
		t.Fatal(err)
	}
	cfg.DrainSpread = time.Millisecond
	s, err := locker.New(g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	g.Ready()
	d := &door{t: t, metrics: metrics, gateway: g, server: s, http: httptest.NewServer(s)}
	d.url = "ws" + strings.TrimPrefix(d.http.URL, "http")
	t.Cleanup(func() {
		d.stop()
		d.http.Close()
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return d
}

// stop stops the door, as the end of a process does.
func (d *door) stop() {
	d.t.Helper()
	d.gateway.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		d.t.Error(err)
	}
}

// wantRefused compares how often something was refused because it was beyond a limit.
func (d *door) wantRefused(limits map[gateway.Limit]float64) {
	d.t.Helper()
	families, err := d.metrics.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != "natslock_door_refused_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			limit := gateway.Limit(m.GetLabel()[1].GetValue())
			if got := m.GetCounter().GetValue(); got != limits[limit] {
				d.t.Errorf("%s: %v refused, want %v", limit, got, limits[limit])
			}
		}
	}
}

// denied is how many calls were refused because of where they came from.
func (d *door) denied() float64 {
	d.t.Helper()
	families, err := d.metrics.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "natslock_door_denied_total" {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	return 0
}

// alone is a door on a natslock of its own.
func alone(t *testing.T) *door {
	t.Helper()
	return open(t, clienttest.New(t).Conn(), gateway.Limits{}, locker.Config{})
}

// tab is one socket.
type tab struct {
	t      *testing.T
	conn   *websocket.Conn
	sid    string
	count  int
	events []string // that came and were not asked for
}

// tab connects a socket for a client of the realm r.
func (d *door) tab(client string) *tab {
	d.t.Helper()
	return d.dial(url.Values{"realm": {"r"}, "client_id": {client}})
}

func (d *door) dial(query url.Values) *tab {
	d.t.Helper()
	tb, refusal := d.try(query)
	if refusal != "" {
		d.t.Fatal(refusal)
	}
	return tb
}

// try connects a socket, and returns what is answered if it may not.
func (d *door) try(query url.Values) (tb *tab, refusal string) {
	d.t.Helper()
	query.Set("EIO", "4")
	query.Set("transport", "websocket")
	conn, response, err := websocket.Dial(d.t.Context(), d.url+"/socket.io/?"+query.Encode(), nil)
	if err != nil {
		d.t.Fatal(err)
	}
	if response.Body != nil && response.StatusCode != http.StatusSwitchingProtocols {
		_ = response.Body.Close()
	}
	tb = &tab{t: d.t, conn: conn}
	conn.SetReadLimit(1 << 24)
	d.t.Cleanup(tb.kill)
	tb.read() // what the connection is
	tb.write("40")
	text := tb.read()
	data, ok := strings.CutPrefix(text, "40")
	if !ok {
		return nil, text
	}
	var hello struct{ SID string }
	if err := json.Unmarshal([]byte(data), &hello); err != nil {
		d.t.Fatal(err)
	}
	tb.sid = hello.SID
	return tb, ""
}

// kill cuts the connection.
func (tb *tab) kill() { _ = tb.conn.CloseNow() }

// leave disconnects, as a page does that says so.
func (tb *tab) leave() {
	tb.t.Helper()
	tb.write("41")
	tb.kill()
}

func (tb *tab) write(text string) {
	tb.t.Helper()
	if err := tb.conn.Write(tb.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		tb.t.Fatal(err)
	}
}

func (tb *tab) read() string {
	tb.t.Helper()
	for {
		_, text, err := tb.conn.Read(tb.t.Context())
		if err != nil {
			tb.t.Fatal(err)
		}
		if string(text) != "2" {
			return string(text)
		}
		tb.write("3")
	}
}

// listen reads what comes until the connection ends, and so answers that it does.
func (tb *tab) listen() {
	var err error
	for err == nil {
		_, _, err = tb.conn.Read(tb.t.Context())
	}
}

// ask emits an event and returns what comes back, which is the same both ways.
func (tb *tab) ask(event string, args ...string) string {
	tb.t.Helper()
	tb.count++
	args = append([]string{fmt.Sprintf("%q", event)}, args...)
	tb.write(fmt.Sprintf("42%d[%s]", tb.count, strings.Join(args, ",")))
	var emitted, acked string
	for emitted == "" || acked == "" {
		text := tb.read()
		if data, ok := strings.CutPrefix(text, fmt.Sprintf("43%d[", tb.count)); ok {
			acked = strings.TrimSuffix(data, "]")
		} else if data, ok := strings.CutPrefix(text, fmt.Sprintf("42[%q,", event)); ok {
			emitted = strings.TrimSuffix(data, "]")
		} else {
			tb.events = append(tb.events, text)
		}
	}
	if emitted != acked {
		tb.t.Errorf("emitted %s, acknowledged %s", emitted, acked)
	}
	return acked
}

// want asks, and wants an answer, in which §1, §2 … stand for the sockets.
func (tb *tab) want(event, args, answer string, sids ...*tab) {
	tb.t.Helper()
	for i, s := range sids {
		answer = strings.ReplaceAll(answer, fmt.Sprintf("§%d", i+1), s.sid)
	}
	var arguments []string
	if args != "" {
		arguments = []string{args}
	}
	if got := tb.ask(event, arguments...); got != answer {
		tb.t.Errorf("%s %s\n got %s\nwant %s", event, args, got, answer)
	}
}

// until asks until the answer has a text in it.
func (tb *tab) until(event, args, text string) string {
	tb.t.Helper()
	for {
		if got := tb.ask(event, args); strings.Contains(got, text) {
			return got
		}
	}
}
