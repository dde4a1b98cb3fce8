package httpapi

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// route is a path that is served, and by which calls. A segment in braces stands
// for any that is not empty.
type route struct {
	path  string
	calls map[string]call // by method
}

// call is one call of the API.
type call struct {
	id     string // in metrics and in the OpenAPI document
	handle func(*exchange)
	always bool // also while calls are not taken
	told   *told
}

// table is the routes, split into segments.
type table []entry

type entry struct {
	route
	segments []string
}

func newTable(routes []route) table {
	t := make(table, len(routes))
	for i, r := range routes {
		t[i] = entry{r, strings.Split(r.path, "/")}
	}
	return t
}

// params is what the braces of a path stand for.
type params struct{ realm, name string }

// find returns the route for a path as it was sent, and what its braces stand for.
func (t table) find(escaped string) (found *route, p params) {
	segments := strings.Split(escaped, "/")
	for i := range t {
		if p, ok := t[i].match(segments); ok {
			return &t[i].route, p
		}
	}
	return nil, params{}
}

func (e *entry) match(segments []string) (p params, ok bool) {
	if len(segments) != len(e.segments) {
		return params{}, false
	}
	for i, want := range e.segments {
		into := p.of(want)
		if into == nil && segments[i] != want {
			return params{}, false
		}
		if into == nil {
			continue
		}
		text, err := url.PathUnescape(segments[i])
		if err != nil || text == "" {
			return params{}, false
		}
		*into = text
	}
	return p, true
}

// of is where to put what a segment stands for; nil if it stands for itself.
func (p *params) of(segment string) *string {
	switch segment {
	case "{realm}":
		return &p.realm
	case "{name}":
		return &p.name
	}
	return nil
}

// call returns the call for a method. HEAD is GET without the body, which the
// server leaves out.
func (r *route) call(method string) (call, bool) {
	if method == http.MethodHead {
		method = http.MethodGet
	}
	c, ok := r.calls[method]
	return c, ok
}

// allow lists the methods of a route.
func (r *route) allow() string {
	methods := []string{http.MethodOptions}
	for m := range r.calls {
		if methods = append(methods, m); m == http.MethodGet {
			methods = append(methods, http.MethodHead)
		}
	}
	slices.Sort(methods)
	return strings.Join(methods, ", ")
}
