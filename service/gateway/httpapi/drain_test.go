package httpapi_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestCallsAreNotTakenBeforeTheServiceIsReady(t *testing.T) {
	d := shut(t, gateway.Limits{}, httpapi.Config{})
	if a := d.call("POST", lockPath+"a", "").want(t, 503, "unavailable"); a.header.Get("Retry-After") == "" {
		t.Error(a.header)
	}
	d.call("GET", "/readyz", "").want(t, 503, "unavailable")
	if a := d.call("GET", "/healthz", ""); a.code != 200 {
		t.Errorf("%+v", a)
	}
	d.gateway.Ready()
	d.call("POST", lockPath+"a", "").want(t, 200, "granted")
	if a := d.call("GET", "/readyz", ""); a.code != 200 {
		t.Errorf("%+v", a)
	}
}

func TestNotReadyWithoutAService(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	d.nats.StopWorker()
	d.call("GET", "/readyz", "").want(t, 503, "unavailable")
	d.nats.StartWorker()
	for end := time.Now().Add(20 * time.Second); d.call("GET", "/readyz", "").code != 200; {
		if time.Now().After(end) {
			t.Fatal("not ready again")
		}
	}
}

// A store that is nearly full takes releases, and must not be kept from them.
func TestReadyTellsThatTheStoreIsFull(t *testing.T) {
	var nearly, quite bool
	d := open(t, gateway.Limits{}, httpapi.Config{Full: func() (bool, bool) { return nearly, quite }})
	for _, test := range []struct {
		nearly, quite bool
		code          int
		text          string
	}{{false, false, 200, "ready\n"}, {true, false, 200, "nearly full"}, {true, true, 503, "is full"}} {
		nearly, quite = test.nearly, test.quite
		if a := d.call("GET", "/readyz", ""); a.code != test.code || !strings.Contains(a.text, test.text) {
			t.Errorf("%+v: %d %q", test, a.code, a.text)
		}
	}
}

func TestADrainAnswersThoseWhoWait(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	held := d.hold("a")
	anonymous := d.later(t.Context(), "POST", lockPath+"a", `{"wait_ms":60000}`)
	d.until("a", waiters(1))
	named := d.later(t.Context(), "POST", lockPath+"a", `{"wait_ms":60000,"client":"c","request":"r"}`)
	d.until("a", waiters(2))
	d.gateway.Drain()
	for _, got := range []<-chan answer{anonymous, named} {
		a := (<-got).want(t, 503, "unavailable")
		if a.header.Get("Retry-After") == "" || a.header.Get("Connection") != "close" && len(a.header.Values("Connection")) > 0 {
			t.Error(a.header)
		}
	}
	d.call("POST", lockPath+"a", "").want(t, 503, "unavailable")
	d.drain()
	if _, err := d.try(context.Background(), "GET", "/healthz", ""); err == nil {
		t.Error("connections are taken after the drain")
	}
	// Who named its request has kept its place; the other one is out.
	d.until("a", waiters(1))
	if w := d.state("a").Waiters[0]; w.Client != "c" {
		t.Errorf("%+v", w)
	}
	if err := held.Release(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestADrainGivesUpInTime(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	d.nats.StopWorker()
	got := d.later(t.Context(), "GET", lockPath+"a", "")
	for d.metric("natslock_door_requests") == 0 {
		time.Sleep(time.Millisecond)
	}
	d.gateway.Drain()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := d.server.Drain(ctx); err != nil {
		t.Error(err)
	}
	if a := <-got; a.code != 0 && a.code != 503 {
		t.Errorf("%+v", a)
	}
	d.nats.StartWorker()
}
