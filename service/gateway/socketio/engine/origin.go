package engine

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// anyOrigin in Config.Origins lets every page connect.
const anyOrigin = "*"

// allowed reports whether a request may come from the page that it comes from.
// What is no browser says nothing of pages.
func (c *Config) allowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	return origin == "" || sameOrigin(origin, r.Host) ||
		slices.Contains(c.Origins, anyOrigin) || slices.ContainsFunc(c.Origins, func(o string) bool { return strings.EqualFold(o, origin) }) ||
		c.AllowOrigin != nil && c.AllowOrigin(r, origin)
}

// sameOrigin compares hosts alone: behind a proxy, the scheme is not known.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, host)
}

// share tells the browser that the page of an allowed request may read the
// answer.
func (c *Config) share(h http.Header, r *http.Request) {
	origin := r.Header.Get("Origin")
	switch {
	case slices.Contains(c.Origins, anyOrigin):
		h.Set("Access-Control-Allow-Origin", anyOrigin)
		return
	case origin != "":
		h.Set("Access-Control-Allow-Origin", origin)
		if c.Credentials {
			h.Set("Access-Control-Allow-Credentials", "true")
		}
	}
	h.Add("Vary", "Origin")
}

// preflight answers a browser that asks what it may send.
func (c *Config) preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Methods", "GET,POST")
	h.Add("Vary", "Access-Control-Request-Headers")
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
		h.Set("Access-Control-Allow-Headers", asked)
	}
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
