package httpapi

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/natslock/natslock/schema"
)

// origins are the web sites whose pages may call, beside the door's own.
type origins struct {
	all  bool
	some []string
}

// CheckOrigins returns what is wrong with the Origins of a Config.
func CheckOrigins(list []string) error {
	_, err := newOrigins(list)
	return err
}

// newOrigins checks the origins of the configuration.
func newOrigins(list []string) (origins, error) {
	var o origins
	for _, text := range list {
		if text == "*" {
			o.all = true
			continue
		}
		u, err := url.Parse(text)
		if err != nil || u.Scheme == "" || u.Host == "" || text != u.Scheme+"://"+u.Host {
			return o, fmt.Errorf("origin %q: want one such as https://example.com, or *", text)
		}
		o.some = append(o.some, strings.ToLower(text))
	}
	return o, nil
}

// admits tells whether a page of an origin may call a host, and whether that is to
// be said in the answer.
func (o origins) admits(origin, host string) (ok, foreign bool) {
	origin = strings.ToLower(origin)
	if _, site, _ := strings.Cut(origin, "://"); site != "" && site == strings.ToLower(host) {
		return true, false
	}
	return o.all || slices.Contains(o.some, origin), true
}

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
	ok, foreign := x.server.origins.admits(origin, x.r.Host)
	if !ok {
		x.refuse(schema.StatusDenied, fmt.Sprintf("origin: pages of %.100q may not call; --http-origin says which may", origin))
		return false
	}
	if foreign {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "Retry-After")
	}
	return true
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
