package httpapi_test

import (
	"testing"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestPagesOfOtherSitesMayNotCall(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{Origins: []string{"https://good.example"}})
	for origin, ok := range map[string]bool{
		d.url: true, "https://good.example": true, "https://GOOD.example": true,
		"https://bad.example": false, "https://good.example.bad.example": false, "null": false, "http://": false,
	} {
		a := d.call("GET", lockPath+"a", "", "Origin", origin)
		if !ok {
			a.want(t, 403, "denied")
			continue
		}
		a.want(t, 200, "ok")
		if got := a.header.Get("Access-Control-Allow-Origin"); (got != "") != (origin != d.url) {
			t.Errorf("%s: allowed %q", origin, got)
		}
	}
	a := d.call("OPTIONS", lockPath+"a", "", "Origin", "https://good.example", "Access-Control-Request-Method", "DELETE")
	if a.code != 204 || a.header.Get("Access-Control-Allow-Methods") != "DELETE, GET, HEAD, OPTIONS, PATCH, POST" ||
		a.header.Get("Access-Control-Allow-Headers") != "Content-Type" || a.header.Get("Vary") != "Origin" {
		t.Errorf("%+v", a)
	}
	d.call("OPTIONS", lockPath+"a", "", "Origin", "https://bad.example", "Access-Control-Request-Method", "DELETE").want(t, 403, "denied")
	if a := d.call("OPTIONS", lockPath+"a", ""); a.code != 204 || a.header.Get("Allow") == "" {
		t.Errorf("%+v", a)
	}
}

func TestAllSitesMayBeLetIn(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{Origins: []string{"*"}})
	if a := d.call("GET", lockPath+"a", "", "Origin", "https://any.example").want(t, 200, "ok"); a.header.Get("Access-Control-Allow-Origin") != "https://any.example" {
		t.Errorf("%+v", a)
	}
}
