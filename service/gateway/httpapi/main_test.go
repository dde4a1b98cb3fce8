package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestMain(m *testing.M) {
	ats.Register()
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// door is an HTTP door on a natslock of its own.
type door struct {
	t       *testing.T
	nats    *clienttest.Server
	gateway *gateway.Gateway
	server  *httpapi.Server
	address string
	url     string
	locks   *client.Client // past the door
	metrics *prometheus.Registry
	http    *http.Client
}

// open opens a door that takes calls.
func open(t *testing.T, limits gateway.Limits, cfg httpapi.Config) *door {
	t.Helper()
	d := shut(t, limits, cfg)
	d.gateway.Ready()
	return d
}

// shut opens a door that takes no calls yet.
func shut(t *testing.T, limits gateway.Limits, cfg httpapi.Config) *door {
	t.Helper()
	d := &door{t: t, nats: clienttest.New(t)}
	d.locks = d.nats.Client(nil)
	d.serve(d.nats.Conn(), limits, cfg)
	return d
}

// serve opens the door on a connection to NATS.
func (d *door) serve(nc *nats.Conn, limits gateway.Limits, cfg httpapi.Config) {
	t := d.t
	t.Helper()
	d.metrics = prometheus.NewRegistry()
	of := gateway.Config{Limits: limits, Metrics: d.metrics, Logger: cfg.Logger}
	if d.nats != nil {
		of.Local = d.nats.Local()
	}
	var err error
	if d.gateway, err = gateway.New(nc, of); err != nil {
		t.Fatal(err)
	}
	if d.server, err = httpapi.New(d.gateway, cfg); err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.address = listener.Addr().String()
	d.url = "http://" + d.address
	served := make(chan error)
	go func() { served <- d.server.Serve(listener) }()
	transport := &http.Transport{MaxIdleConnsPerHost: 100}
	d.http = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		d.drain()
		if err := errors.Join(<-served, d.gateway.Close()); err != nil {
			t.Error(err)
		}
	})
}

// drain drains the door, as a stop does.
func (d *door) drain() {
	d.t.Helper()
	d.gateway.Drain()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := d.server.Drain(ctx); err != nil {
		d.t.Error(err)
	}
}

// metric is the value of one, with its labels beside door.
func (d *door) metric(name string) float64 {
	d.t.Helper()
	families, err := d.metrics.Gather()
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			full := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() != "door" {
					full += "{" + l.GetName() + "=" + strconv.Quote(l.GetValue()) + "}"
				}
			}
			if full == name {
				return m.GetGauge().GetValue() + m.GetCounter().GetValue()
			}
		}
	}
	d.t.Fatalf("no metric %s", name)
	return 0
}

// answer is what came back for a call.
type answer struct {
	code   int
	header http.Header
	text   string
	fields map[string]any // of its JSON, if it is an object
}

// call makes a call and returns its answer.
func (d *door) call(method, path, body string, headers ...string) answer {
	d.t.Helper()
	a, err := d.try(d.t.Context(), method, path, body, headers...)
	if err != nil {
		d.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

func (d *door) try(ctx context.Context, method, path, body string, headers ...string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, method, d.url+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return answer{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	got, err := d.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	text, err := io.ReadAll(got.Body)
	if err = errors.Join(err, got.Body.Close()); err != nil {
		return answer{}, err
	}
	a := answer{code: got.StatusCode, header: got.Header, text: string(text)}
	_ = json.Unmarshal(text, &a.fields)
	return a, nil
}

// want fails the test unless the answer has a code and, in its JSON, a status.
func (a answer) want(t *testing.T, code int, status string) answer {
	t.Helper()
	if got, _ := a.fields["status"].(string); a.code != code || got != status {
		t.Fatalf("%d %s, want %d with the status %q", a.code, a.text, code, status)
	}
	return a
}

// token is the token of a grant.
func (a answer) token(t *testing.T) string {
	t.Helper()
	var grant struct{ Token json.Number }
	if err := json.Unmarshal([]byte(a.text), &grant); err != nil || grant.Token == "" {
		t.Fatalf("no token in %s: %v", a.text, err)
	}
	return grant.Token.String()
}

// lockPath is the path of a lock in the realm default.
const lockPath = "/v1/realms/default/locks/"
