package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

// A page of a web site whose name has been made to point at loopback is, to the
// browser, one of the door itself: it may read what it asks for, and sends an Origin
// that fits its Host.
func TestOnLoopbackNoOtherNameIsServed(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{Origins: []string{"https://locks.example", "http://other.example:8080"}})
	for host, ok := range map[string]bool{
		d.address: true, "127.0.0.1": true, "[::1]:8080": true, "[::1]": true, "localhost": true, "LOCALHOST:8080": true,
		"a.localhost:8080": true, "locks.example": true, "Other.example:8080": true, "192.168.1.5:80": true,
		"evil.example:8080": false, "evil.example": false, "locks.example.evil.example": false, "localhost.evil.example": false,
		"other.example": false, "127.0.0.1.evil.example": false,
	} {
		code := d.codeFor(host)
		if want := map[bool]int{true: 200, false: 403}[ok]; code != want {
			t.Errorf("%s: %d, want %d", host, code, want)
		}
	}
}

func TestAllNamesAreServedToAllSites(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{Origins: []string{"*"}})
	if code := d.codeFor("any.example"); code != 200 {
		t.Error(code)
	}
}

// codeFor is the code of an answer to a request for a host.
func (d *door) codeFor(host string) int {
	d.t.Helper()
	r, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.url+lockPath+"a", nil)
	if err != nil {
		d.t.Fatal(err)
	}
	r.Host = host
	got, err := d.http.Do(r)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := got.Body.Close(); err != nil {
		d.t.Error(err)
	}
	return got.StatusCode
}
