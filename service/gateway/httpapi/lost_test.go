package httpapi_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestWhoGetsLostIsShownTheWay(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "a page") })
	d := shut(t, gateway.Limits{}, httpapi.Config{
		Home: "/page", Pages: map[string]http.Handler{"/page": page}, Hints: map[string]string{"/hinted": "it is elsewhere"},
	})
	for _, accept := range []string{"text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html"} {
		if a := d.call("GET", "/", "", "Accept", accept); a.code != 200 || a.text != "a page" {
			t.Errorf("%q: %+v", accept, a)
		}
	}
	for _, c := range []struct{ method, path, accept, says string }{
		{"GET", "/", "*/*", "path: nothing is there; /page is for people, and /openapi.json"},
		{"POST", "/", "text/html", "/page is for people"},
		{"GET", "/hinted", "text/html", "path: it is elsewhere"},
		{"GET", "/hinted/", "text/html", "path: nothing is there; a / in a name"},
		{"GET", "//page/", "text/html", "path: nothing is there"},
	} {
		a := d.call(c.method, c.path, "", "Accept", c.accept).want(t, 404, "invalid")
		if said := a.fields["message"].(string); !strings.Contains(said, c.says) {
			t.Errorf("%s %s: %s, want %q", c.method, c.path, said, c.says)
		}
	}
}
