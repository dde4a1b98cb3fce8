package httpapi

import (
	"fmt"
	"net/http"

	"github.com/natslock/natslock/schema"
)

// preflight is how long a browser may remember what it may do, in seconds.
const preflight = "600"

// admit refuses a request of a page of another web site. Browsers tell whose page
// it is, and only they do.
func (x *exchange) admit() bool {
	header := x.w.Header()
	origin := x.r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	header.Add("Vary", "Origin")
	ok, foreign := x.server.origins.Admit(origin, x.r.Host)
	if !ok {
		x.deny(fmt.Sprintf("origin: pages of %.100q may not call; --http-origin says which may", origin))
		return false
	}
	if foreign {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "Retry-After")
	}
	return true
}

// deny refuses a request because of where it comes from.
func (x *exchange) deny(why string) {
	x.server.door.Deny(why, x.r.RemoteAddr)
	x.refuse(schema.StatusDenied, why)
}

// options answers what may be asked for, by a browser before it asks.
func (x *exchange) options(r *route) {
	header := x.w.Header()
	header.Set("Allow", r.allow())
	if x.r.Header.Get("Access-Control-Request-Method") != "" {
		header.Set("Access-Control-Allow-Methods", r.allow())
		header.Set("Access-Control-Allow-Headers", "Content-Type")
		header.Set("Access-Control-Max-Age", preflight)
	}
	x.code = http.StatusNoContent
	x.w.WriteHeader(x.code)
}
