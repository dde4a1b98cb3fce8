package lockd_test

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/lockd"
)

// openTo opens a door for the pages of some sites, beside its own.
func openTo(t *testing.T, sites ...string) *door {
	t.Helper()
	origins, err := gateway.NewOrigins(sites)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, newFake(), gateway.Limits{}, lockd.Config{Origins: origins})
}

// upgrade asks for a websocket and returns the status, and what is said if there is none.
func (d *door) upgrade(t *testing.T, path, host, origin string) (status int, why string) {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	c, response, err := websocket.Dial(t.Context(), "ws://"+d.ws.Addr().String()+path, &websocket.DialOptions{HTTPHeader: header, Host: host})
	if response == nil {
		t.Fatal(err)
	}
	if err == nil {
		_ = c.CloseNow()
		return response.StatusCode, ""
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func TestWhosePagesMayOpenAWebsocket(t *testing.T) {
	d, all := openTo(t, "https://example.com"), openTo(t, "*")
	address := d.ws.Addr().String()
	for _, c := range []struct {
		door   *door
		path   string
		origin string
		status int
	}{
		{d, "/", "", http.StatusSwitchingProtocols},
		{d, "/", "http://" + address, http.StatusSwitchingProtocols},
		{d, "/", "https://" + address, http.StatusSwitchingProtocols}, // by a proxy
		{d, "/", "https://example.com", http.StatusSwitchingProtocols},
		{d, "/", "http://127.0.0.1/", http.StatusSwitchingProtocols}, // no browser
		{d, "/", "http://127.0.0.1", http.StatusForbidden},           // another server's page
		{d, "/", "http://127.0.0.1:3000", http.StatusForbidden},
		{d, "/", "http://example.com", http.StatusForbidden},
		{d, "/", "https://elsewhere.example.com", http.StatusForbidden},
		{d, "/", "https://elsewhere.example.com/", http.StatusForbidden},
		{d, "/", "https://127.0.0.1.example.com", http.StatusForbidden},
		{d, "/", "null", http.StatusForbidden},
		{d, "/", "http://%", http.StatusForbidden},
		{d, "/lockd", "", http.StatusNotFound},
		{all, "/", "https://elsewhere.example.com", http.StatusSwitchingProtocols},
	} {
		if status, why := c.door.upgrade(t, c.path, "", c.origin); status != c.status {
			t.Errorf("%s from %q: %d %q, want %d", c.path, c.origin, status, why, c.status)
		}
	}
	want := `origin: pages of "https://elsewhere.example.com" may not call; --lockd-ws-origin says which may` + "\n"
	if _, why := d.upgrade(t, "/", "", "https://elsewhere.example.com"); why != want {
		t.Error(why)
	}
}

// A page of a web site whose name has been made to point at loopback is, to the browser,
// one of the door itself: its Origin fits its Host.
func TestOnLoopbackNoOtherNameIsServed(t *testing.T) {
	d, all := openTo(t, "https://locks.example"), openTo(t, "*")
	for _, c := range []struct {
		door         *door
		host, origin string
		status       int
	}{
		{d, "localhost:9998", "", http.StatusSwitchingProtocols},
		{d, "localhost:9998", "http://localhost:9998", http.StatusSwitchingProtocols},
		{d, "[::1]", "", http.StatusSwitchingProtocols},
		{d, "locks.example", "", http.StatusSwitchingProtocols},
		{d, "locks.example", "https://locks.example", http.StatusSwitchingProtocols},
		{d, "evil.example:9998", "http://evil.example:9998", http.StatusForbidden},
		{d, "evil.example:9998", "https://locks.example", http.StatusForbidden},
		{d, "evil.example", "http://evil.example/", http.StatusForbidden},
		{d, "evil.example", "", http.StatusForbidden},
		{d, "127.0.0.1.evil.example", "", http.StatusForbidden},
		{all, "any.example", "http://any.example", http.StatusSwitchingProtocols},
	} {
		if status, why := c.door.upgrade(t, "/", c.host, c.origin); status != c.status {
			t.Errorf("%s from %q: %d %q, want %d", c.host, c.origin, status, why, c.status)
		}
	}
	want := `host: "evil.example" is not known here, where localhost is served; --lockd-ws-origin http://… or https://… makes a name known` + "\n"
	if _, why := d.upgrade(t, "/", "evil.example", ""); why != want {
		t.Error(why)
	}
	denied := `
		# HELP natslock_door_denied_total Calls that were refused because of the web site, the name or the credentials they came with.
		# TYPE natslock_door_denied_total counter
		natslock_door_denied_total{door="lockd"} 6
`
	if err := testutil.GatherAndCompare(d.meters, strings.NewReader(denied), "natslock_door_denied_total"); err != nil {
		t.Error(err)
	}
}

// TestFramesMayComeWithTheHandshake has commands sent in the packet that asks for the
// websocket: more than what is read ahead of a silent one.
func TestFramesMayComeWithTheHandshake(t *testing.T) {
	d := openTo(t)
	c := dial(t, d.ws)
	var all, want bytes.Buffer
	fmt.Fprintf(&all, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", d.ws.Addr())
	fmt.Fprint(&all, "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	for i := range 100 {
		command, reply := fmt.Sprintf("g %d", i), fmt.Sprintf("1 Lock Get Success: %d\n", i)
		all.Write([]byte{0x81, 0x80 | byte(len(command)), 0, 0, 0, 0}) // text, masked by nothing
		all.WriteString(command)
		want.Write([]byte{0x81, byte(len(reply))})
		want.WriteString(reply)
	}
	if _, err := c.Write(all.Bytes()); err != nil {
		t.Fatal(err)
	}
	for line := ""; line != "\r\n"; {
		var err error
		if line, err = c.in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	c.expect(t, want.String())
}
