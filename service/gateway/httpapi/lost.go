package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/natslock/natslock/schema"
)

// lost answers a request for a path at which nothing is.
func (x *exchange) lost() {
	s := x.server
	if to := s.meant(x.r); to != "" {
		if x.r.URL.RawQuery != "" {
			to += "?" + x.r.URL.RawQuery
		}
		x.w.Header().Set("Location", to)
		x.code = http.StatusTemporaryRedirect
		x.w.WriteHeader(x.code)
		return
	}
	x.refuseWith(http.StatusNotFound, schema.StatusInvalid, "path: "+s.instead(x.r.URL))
}

// meant is the page that somebody meant who asked for a path at which nothing is; "" if
// that is none.
func (s *Server) meant(r *http.Request) string {
	path := r.URL.Path
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		return ""
	case path == "/" && strings.Contains(r.Header.Get("Accept"), "text/html"): // a browser
		return s.config.Home
	}
	if page, ok := strings.CutSuffix(path, "/"); ok && s.config.Pages[page] != nil {
		return page
	}
	return ""
}

// instead says what there is where nothing is.
func (s *Server) instead(u *url.URL) string {
	if hint := s.config.Hints[u.Path]; hint != "" {
		return hint
	}
	if u.Path == "/" && s.config.Home != "" {
		return fmt.Sprintf("nothing is there; %s is for people, and /openapi.json describes the calls", s.config.Home)
	}
	if call, ok := strings.CutPrefix(u.EscapedPath(), "/api/"); ok {
		if found, _ := s.routes.find("/" + call); found != nil {
			return fmt.Sprintf("nothing is there; /%.100s is not below /api", call)
		}
	}
	return "nothing is there; a / in a name is written %2F: see /openapi.json"
}
