package httpapi_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/httpapi"
)

func TestTooManyConnections(t *testing.T) {
	d := open(t, gateway.Limits{Connections: 1}, httpapi.Config{})
	c := d.dial()
	defer c.Close()
	for d.metric("natslock_door_connections") == 0 {
		time.Sleep(time.Millisecond)
	}
	a := d.call("GET", "/healthz", "").want(t, 429, "limit")
	if !strings.Contains(a.text, "more than 1") {
		t.Error(a.text)
	}
	if got := d.metric(`natslock_door_refused_total{limit="connections"}`); got != 1 {
		t.Errorf("refused: %v", got)
	}
	_ = c.Close()
	for d.metric("natslock_door_connections") > 0 {
		time.Sleep(time.Millisecond)
	}
	if a := d.call("GET", "/healthz", ""); a.code != 200 {
		t.Errorf("%+v", a)
	}
}

func TestTooLargeARequest(t *testing.T) {
	d := open(t, gateway.Limits{Size: 100}, httpapi.Config{})
	d.call("POST", lockPath+"a", strings.Repeat(" ", 101)).want(t, 413, "invalid")
	if a := d.call("POST", "/lock", strings.Repeat(" ", 101)); a.code != 413 || a.fields["name"] != "HandleError" {
		t.Errorf("%+v", a)
	}
	if got := d.metric(`natslock_door_refused_total{limit="size"}`); got != 2 {
		t.Errorf("refused: %v", got)
	}
}

// TestOneConnectionAsksForTooMuch needs HTTP/2: before that, a connection asks for one thing
// at a time.
func TestOneConnectionAsksForTooMuch(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	defer server.Close()
	d := open(t, gateway.Limits{Requests: 3, Waiters: 2}, httpapi.Config{TLS: &tls.Config{Certificates: server.TLS.Certificates}})
	d.url = "https://" + d.address
	transport := server.Client().Transport.(*http.Transport).Clone()
	transport.ForceAttemptHTTP2 = true
	defer transport.CloseIdleConnections()
	d.http = &http.Client{Transport: transport}
	d.hold("a")
	d.call("GET", "/healthz", "") // there is one connection then
	for i := range 2 {
		d.later(t.Context(), "POST", lockPath+"a", `{"wait_ms":60000}`)
		d.until("a", waiters(i+1))
	}
	d.call("POST", lockPath+"a", `{"wait_ms":60000}`).want(t, 429, "limit")
	d.call("GET", "/v1/realms/default/events", "").want(t, 429, "limit")
	slow, send := io.Pipe()
	go func() {
		r, err := http.NewRequestWithContext(t.Context(), "POST", d.url+lockPath+"b", slow)
		if err != nil {
			panic(err)
		}
		if got, err := d.http.Do(r); err == nil {
			_ = got.Body.Close()
		}
	}()
	for d.metric("natslock_door_requests") < 3 {
		time.Sleep(time.Millisecond)
	}
	d.call("GET", lockPath+"a", "").want(t, 429, "limit")
	_ = send.Close()
	for limit, want := range map[string]float64{"waiters": 2, "requests": 1} {
		if got := d.metric(fmt.Sprintf("natslock_door_refused_total{limit=%q}", limit)); got != want {
			t.Errorf("%s refused: %v, want %v", limit, got, want)
		}
	}
}

func TestWhatIsNoHTTPHarmsNobody(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	for text, want := range map[string]string{
		"\x00\x01\x02\x03\r\n\r\n":                                                                          "400 this is no HTTP request",
		"GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n":                                                      "400 this is no HTTP request",
		"GET /healthz HTTP/1.1\r\n\r\n":                                                                     "400 this is no HTTP request that is understood here: missing required Host header",
		"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n":                                               "400 this is no HTTP request",
		"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n":                                                        "400 this is no HTTP request that is understood here: malformed Host header",
		"GET /healthz HTTP/9.9\r\nHost: localhost\r\n\r\n":                                                  "505 this is no HTTP request that is understood here: unsupported protocol version",
		"POST " + lockPath + "a HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n":                  "400 this is no HTTP request",
		"POST " + lockPath + "a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n":    "400 body: it ended early",
		"POST " + lockPath + "a HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n":             "501 transfer-encoding: only chunked is known",
		"POST " + lockPath + "a HTTP/1.1\r\nHost: localhost\r\nExpect: more\r\nContent-Length: 2\r\n\r\n{}": "417 expect: only 100-continue is known",
		"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + strings.Repeat("x", 64<<10) + "\r\n\r\n":        "431 header: more than 16384 bytes",
	} {
		c := d.dial()
		_ = c.SetDeadline(time.Now().Add(20 * time.Second))
		_, _ = io.WriteString(c, text) // it may be refused before its end
		got, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Errorf("%.40q: %v", text, err)
			continue
		}
		var reply schema.Reply
		body, err := io.ReadAll(got.Body)
		if err == nil {
			err = schema.Decode(schema.JSON, body, &reply)
		}
		if said := fmt.Sprint(got.StatusCode, " ", reply.Message); err != nil || said != want || reply.Status != schema.StatusInvalid || !got.Close || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%.40q: %s %v %q: %v", text, said, got.Header, body, err)
		}
		_ = got.Body.Close()
		_ = c.Close()
	}
	d.call("POST", lockPath+"a", "").want(t, 200, "granted")
}

func TestHTTPWhereHTTPSIsServed(t *testing.T) {
	server := httptest.NewUnstartedServer(nil)
	server.StartTLS() // for its certificate
	defer server.Close()
	d := open(t, gateway.Limits{}, httpapi.Config{TLS: &tls.Config{Certificates: server.TLS.Certificates}})
	d.call("GET", "/healthz", "").want(t, 400, "invalid")
}

// TestWhatIsNoHTTPAfterARequest has a connection that was served go wrong.
func TestWhatIsNoHTTPAfterARequest(t *testing.T) {
	d := open(t, gateway.Limits{}, httpapi.Config{})
	c := d.dial()
	defer c.Close()
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nwhat\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(c)
	for _, want := range []string{"alive\n", `{"status":"invalid","message":"this is no HTTP request"}` + "\n"} {
		got, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(got.Body); err != nil || string(body) != want {
			t.Errorf("%q: %v", body, err)
		}
		_ = got.Body.Close()
	}
}
