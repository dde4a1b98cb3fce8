package gateway_test

import (
	"net"
	"testing"

	"github.com/natslock/natslock/service/gateway"
)

func origins(t *testing.T, list ...string) gateway.Origins {
	t.Helper()
	o, err := gateway.NewOrigins(list)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestOriginsAreChecked(t *testing.T) {
	for _, origin := range []string{"", "good.example", "https://good.example/", "https://good.example/path", "https://%zz"} {
		if _, err := gateway.NewOrigins([]string{origin}); err == nil {
			t.Errorf("%q is let pass", origin)
		}
	}
	want := `origin "https://good.example/": without what is after the host: https://good.example`
	if _, err := gateway.NewOrigins([]string{"https://good.example/"}); err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestWhichPagesAreAdmitted(t *testing.T) {
	some, all := origins(t, "https://Good.example", "http://other.example:8080"), origins(t, "*")
	for _, c := range []struct {
		of           gateway.Origins
		origin, host string
		ok, foreign  bool
	}{
		{some, "http://127.0.0.1:8080", "127.0.0.1:8080", true, false},
		{some, "http://LOCKS.example", "locks.Example", true, false},
		{some, "https://good.example", "locks.example", true, true},
		{some, "http://good.example", "locks.example", false, true},
		{some, "http://other.example:8080", "locks.example", true, true},
		{some, "http://other.example", "locks.example", false, true},
		{some, "http://127.0.0.1:3000", "127.0.0.1:8080", false, true},
		{some, "null", "null", false, true},
		{some, "http://", "", false, true},
		{gateway.Origins{}, "https://good.example", "locks.example", false, true},
		{all, "https://any.example", "locks.example", true, true},
	} {
		if ok, foreign := c.of.Admit(c.origin, c.host); ok != c.ok || foreign != c.foreign {
			t.Errorf("%s at %s: %t, %t", c.origin, c.host, ok, foreign)
		}
	}
}

func TestWhichHostsAreServed(t *testing.T) {
	loopback, network := &net.TCPAddr{IP: net.IPv6loopback}, &net.TCPAddr{IP: net.IPv4(192, 168, 1, 5)}
	o := origins(t, "https://locks.example", "http://other.example:8080")
	for host, ok := range map[string]bool{
		"127.0.0.1:8080": true, "[::1]:8080": true, "[::1]": true, "localhost": true, "LOCALHOST:8080": true, "a.localhost:8080": true, "": true,
		"locks.example": true, "Other.example:8080": true, "192.168.1.5:80": true,
		"evil.example:8080": false, "evil.example": false, "locks.example.evil.example": false, "other.example": false, "127.0.0.1.evil.example": false,
	} {
		if got := o.Serve(loopback, host); got != ok {
			t.Errorf("%q on loopback: %t", host, got)
		}
		if !o.Serve(network, host) || !o.Serve(&net.UnixAddr{}, host) || !origins(t, "*").Serve(loopback, host) {
			t.Errorf("%q is not served", host)
		}
	}
}
