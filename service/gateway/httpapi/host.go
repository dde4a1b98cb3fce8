package httpapi

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/natslock/natslock/schema"
)

// belongs refuses a request that came in on loopback under the name of some web
// site: a page of that site has made its name point here, to be taken for a page of
// this door. Addresses cannot be made to point elsewhere, and localhost is not.
func (x *exchange) belongs() bool {
	local, _ := x.r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if local == nil || !local.IP.IsLoopback() || x.server.origins.named(x.r.Host) {
		return true
	}
	x.refuse(schema.StatusDenied, fmt.Sprintf("host: %.100q is not known here, where localhost is served; --http-origin http://… or https://… makes a name known", x.r.Host))
	return false
}

// named tells whether a host is one that a request on loopback may be for.
func (o origins) named(host string) bool {
	host = strings.ToLower(host)
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	_, err = netip.ParseAddr(name)
	if o.all || err == nil || name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	for _, origin := range o.some {
		if _, site, _ := strings.Cut(origin, "://"); site == host {
			return true
		}
	}
	return false
}
