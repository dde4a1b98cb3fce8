package ldlm

import (
	"net"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// ownPages tells the pages of the host that is called from those of other sites.
var ownPages http.CrossOriginProtection

// foreign says why a request is not looked at that a browser may have been made to send.
func (r *REST) foreign(request *http.Request) error {
	local, _ := request.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !r.origins.Serve(local, request.Host) {
		return status.Errorf(codes.PermissionDenied,
			"host: %.100q is not known here, where localhost is served; --ldlm-rest-origin http://… or https://… makes a name known", request.Host)
	}
	origin := request.Header.Get("Origin")
	if ok, _ := r.origins.Admit(origin, ""); ok || ownPages.Check(request) == nil {
		return nil
	}
	return status.Errorf(codes.PermissionDenied, "origin: pages of %.100q may not call; --ldlm-rest-origin says which may", origin)
}
