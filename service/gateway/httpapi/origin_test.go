package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
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

func TestADeniedCallIsToldToTheOperator(t *testing.T) {
	page := func(code int) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) })
	}
	for _, c := range []struct{ path, header, value, said string }{
		{lockPath + "a", "Origin", "https://bad.example", `origin: pages of \"https://bad.example\" may not call; --http-origin`},
		{lockPath + "a", "Host", "bad.example", `host: \"bad.example\" is not known here`},
		{"/locked", "Authorization", "Basic eDp5", `/locked: wrong user or password`},
		{"/locked", "", "", ""}, // its browser asks for them now
		{"/near", "", "", `/near: without --auth-user`},
		{"/elsewhere", "", "", ""},
	} {
		var log gatewaytest.Log
		d := open(t, gateway.Limits{}, httpapi.Config{Logger: log.Logger(), Pages: map[string]http.Handler{"/locked": page(401), "/near": page(403)}})
		denied := 1.0
		switch {
		case c.header == "Host":
			d.codeFor(c.value)
		case c.header != "":
			d.call("GET", c.path, "", c.header, c.value)
		default:
			d.call("GET", c.path, "")
		}
		if c.said == "" {
			denied = 0
		}
		if n := d.metric("natslock_door_denied_total"); n != denied {
			t.Errorf("%+v: %v denied", c, n)
		}
		if said := strings.Contains(log.String(), c.said) && strings.Contains(log.String(), "door=http"); said != (c.said != "") {
			t.Errorf("%+v: the log says %s", c, log.String())
		}
	}
}

func TestAllSitesMayBeLetIn(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{Origins: []string{"*"}})
	if a := d.call("GET", lockPath+"a", "", "Origin", "https://any.example").want(t, 200, "ok"); a.header.Get("Access-Control-Allow-Origin") != "https://any.example" {
		t.Errorf("%+v", a)
	}
}
