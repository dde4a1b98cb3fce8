package httpapi

import (
	"fmt"
	"net"
	"net/http"
)

// belongs refuses a request that came in on loopback under the name of some web
// site.
func (x *exchange) belongs() bool {
	local, _ := x.r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if x.server.origins.Serve(local, x.r.Host) {
		return true
	}
	x.deny(fmt.Sprintf("host: %.100q is not known here, where localhost is served; --http-origin http://… or https://… makes a name known", x.r.Host))
	return false
}
