package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestPagesAreServedBesideTheCalls(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
	teapot := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	metrics := prometheus.NewRegistry()
	d := shut(t, gateway.Limits{}, httpapi.Config{Meters: metrics, Pages: map[string]http.Handler{"/page": page, "/page/two": teapot}})
	if a := d.call("GET", "/page", ""); a.code != 200 || a.text != "a page" || a.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("%+v", a)
	}
	d.call("POST", "/page", "").want(t, 405, "invalid")
	d.call("POST", "/page/", "").want(t, 404, "invalid")
	if a := d.call("GET", "/page/two", ""); a.code != 418 {
		t.Errorf("%+v", a)
	}
	d.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if a := d.call("GET", "/page/?realm=a", ""); a.code != 307 || a.header.Get("Location") != "/page?realm=a" {
		t.Errorf("%+v", a)
	}
	d.metrics = metrics
	for _, code := range []string{"200", "418"} {
		if n := d.metric(`natslock_http_calls_total{call="page"}{code="` + code + `"}`); n != 1 {
			t.Errorf("%s: %v calls", code, n)
		}
	}
	if a := d.call("GET", "/openapi.json", ""); strings.Contains(a.text, `"/page`) {
		t.Error("pages are no calls of the API")
	}
}
