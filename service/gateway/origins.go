package gateway

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// Origins are the web sites whose pages may call at a door, beside the door's own.
// The zero Origins are none.
type Origins struct {
	all  bool
	some []string
}

// NewOrigins are the origins of a list, such as https://example.com, or * for all.
func NewOrigins(list []string) (Origins, error) {
	var o Origins
	for _, text := range list {
		if text == "*" {
			o.all = true
			continue
		}
		u, err := url.Parse(text)
		if err == nil && u.Scheme != "" && u.Host != "" && strings.HasPrefix(text, u.Scheme+"://"+u.Host+"/") {
			return o, fmt.Errorf("origin %q: without what is after the host: %s://%s", text, u.Scheme, u.Host)
		}
		if err != nil || u.Scheme == "" || u.Host == "" || text != u.Scheme+"://"+u.Host {
			return o, fmt.Errorf("origin %q: want one such as https://example.com, or *", text)
		}
		o.some = append(o.some, strings.ToLower(text))
	}
	return o, nil
}

// Admit tells whether a page of an origin may call a host, and whether it is a page of
// another site. Browsers tell whose page it is, and only they do.
func (o Origins) Admit(origin, host string) (ok, foreign bool) {
	origin = strings.ToLower(origin)
	if _, site, _ := strings.Cut(origin, "://"); site != "" && site == strings.ToLower(host) {
		return true, false
	}
	return o.all || slices.Contains(o.some, origin), true
}

// Serve tells whether what came in at a local address may be for a host. On loopback
// it may not be for some web site: a page of that site has made its name point there,
// to be taken for a page of the door. Addresses cannot be made to point elsewhere, and
// localhost is not.
func (o Origins) Serve(local net.Addr, host string) bool {
	tcp, _ := local.(*net.TCPAddr)
	return tcp == nil || !tcp.IP.IsLoopback() || o.named(strings.ToLower(host))
}

// named tells whether a host is one that a request on loopback may be for.
func (o Origins) named(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	_, err = netip.ParseAddr(name)
	if o.all || err == nil || name == "" || name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	return slices.ContainsFunc(o.some, func(origin string) bool {
		_, site, _ := strings.Cut(origin, "://")
		return site == host
	})
}
