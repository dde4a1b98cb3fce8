package ldlm

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
)

// TestNoPeerHasAllSessions has one peer begin as many sessions as it can.
func TestNoPeerHasAllSessions(t *testing.T) {
	s, meters := clienttest.New(t), prometheus.NewRegistry()
	d := closedDoor(t, s, s.Conn(), gateway.Config{Limits: gateway.Limits{Connections: 20}, Metrics: meters}, Config{})
	r := d.newREST(t, 0)
	defer r.Drain(t.Context())
	begin := func(address string) answer {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/session", http.NoBody)
		request.RemoteAddr = address
		return r.create(request)
	}
	want := func(code int, addresses ...string) {
		t.Helper()
		for _, address := range addresses {
			if a := begin(address); a.code != code {
				t.Errorf("%s: %d %s", address, a.code, a.body)
			}
		}
	}
	want(201, "127.0.0.1:1", "127.0.0.1:2", "127.0.0.2:1", "[2001:db8::1]:1", "[2001:db8::2]:1", "[2001:db8:0:1::1]:1")
	want(429, "127.0.0.1:1", "[::ffff:127.0.0.1]:3", "[2001:db8::3]:1")
	if a := begin("127.0.0.1:1"); !strings.Contains(string(a.body), "too many sessions of this address") {
		t.Errorf("%s", a.body)
	}
	for _, s := range r.sessions.open {
		if s.address == "127.0.0.1:2" {
			r.sessions.remove(s)
		}
	}
	want(201, "127.0.0.1:4")
	want(429, "127.0.0.1:5")
	err := testutil.GatherAndCompare(meters, strings.NewReader(`
		# HELP natslock_door_refused_total What was refused because it was beyond a limit.
		# TYPE natslock_door_refused_total counter
		natslock_door_refused_total{door="ldlm",limit="connections"} 0
		natslock_door_refused_total{door="ldlm",limit="requests"} 0
		natslock_door_refused_total{door="ldlm",limit="size"} 0
		natslock_door_refused_total{door="ldlm",limit="waiters"} 0
		natslock_door_refused_total{door="ldlm-rest",limit="connections"} 0
		natslock_door_refused_total{door="ldlm-rest",limit="requests"} 0
		natslock_door_refused_total{door="ldlm-rest",limit="size"} 0
		natslock_door_refused_total{door="ldlm-rest",limit="waiters"} 0
		natslock_door_refused_total{door="ldlm-rest-sessions",limit="requests"} 0
		natslock_door_refused_total{door="ldlm-rest-sessions",limit="sessions"} 5
		natslock_door_refused_total{door="ldlm-rest-sessions",limit="size"} 0
		natslock_door_refused_total{door="ldlm-rest-sessions",limit="waiters"} 0
	`), "natslock_door_refused_total")
	if err != nil {
		t.Error(err)
	}
	for _, s := range r.sessions.open {
		r.sessions.remove(s)
	}
	if n := len(r.sessions.shares.of); n != 0 {
		t.Errorf("%d peers are known", n)
	}
}
