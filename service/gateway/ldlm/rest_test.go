package ldlm

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
)

// rested is a door to REST that is open.
type rested struct {
	*REST
	door *opened
	url  string
}

func openREST(t *testing.T, limits gateway.Limits, cfg Config, origins ...string) *rested {
	t.Helper()
	d := openDoor(t, nil, limits, cfg)
	r := &rested{REST: d.newREST(t, 0, origins...), door: d}
	l, err := gateway.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + l.Addr().String()
	ended := make(chan error, 1)
	go func() { ended <- r.Serve(l) }()
	t.Cleanup(func() {
		d.gateway.Drain()
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		r.Drain(ctx)
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return r
}

func (d *opened) newREST(t *testing.T, idle time.Duration, origins ...string) *REST {
	t.Helper()
	known, err := gateway.NewOrigins(origins)
	if err != nil {
		t.Fatal(err)
	}
	connections, err := d.gateway.Door("ldlm-rest")
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := d.gateway.SessionDoor("ldlm-rest-sessions")
	if err != nil {
		t.Fatal(err)
	}
	return NewREST(d.Server, connections, sessions, RESTConfig{Idle: idle, Origins: known})
}

// browser calls REST, and keeps the cookie that it is given.
type browser struct {
	*http.Client
	url string
}

func (r *rested) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &browser{&http.Client{Jar: jar, Transport: transport}, r.url}
}

// said is what a request was answered.
type said struct {
	Code        int
	Body        any
	ContentType string
}

func (b *browser) ask(t *testing.T, method, path, body string, header ...string) (said, *http.Response) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, b.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	if host := request.Header.Get("Host"); host != "" {
		request.Host = host
	}
	response, err := b.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	s := said{Code: response.StatusCode, ContentType: response.Header.Get("Content-Type")}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &s.Body); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return s, response
}

// want asks, and compares the answer. An answer's {key} is any.
func (b *browser) want(t *testing.T, method, path, body string, code int, want string) map[string]any {
	t.Helper()
	got, _ := b.ask(t, method, path, body)
	fields, _ := got.Body.(map[string]any)
	var wanted map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	if wanted["key"] == "{key}" && fields["key"] != "" {
		wanted["key"] = fields["key"]
	}
	if wanted["message"] == "{message}" && fields["message"] != "" {
		wanted["message"] = fields["message"]
	}
	if diff := cmp.Diff(said{code, any(wanted), "application/json"}, got); diff != "" {
		t.Errorf("%s %s %s: %s", method, path, body, diff)
	}
	return fields
}

const (
	wantNoCookie  = `{"error":"session cookie not found. create a new session at /session"}`
	wantOldCookie = `{"error":"session cookie invalid or expired. create a new session at /session"}`
)

// What is kept outlives a session that is ended as one that is left, and its key is good in
// another.
func TestRESTKeepsLocksOfASessionThatIsDeleted(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{Keep: true})
	b := r.browser(t)
	b.ask(t, "POST", "/session", "")
	timed := b.want(t, "POST", "/v1/lock", `{"name":"x","lock_timeout_seconds":1000}`, 200, `{"locked":true,"name":"x","key":"{key}"}`)
	b.want(t, "POST", "/v1/lock", `{"name":"y"}`, 200, `{"locked":true,"name":"y","key":"{key}"}`)
	b.want(t, "DELETE", "/session", "", 200, `{"session_id":""}`)
	for name, ttl := range map[string]int64{"x": 1_000_000, "y": schema.MaxTTL} {
		if h := r.door.state(t, name).Holders; len(h) != 1 || h[0].TTL != ttl || len(h[0].Sessions) != 0 {
			t.Errorf("%s: %+v", name, h)
		}
	}
	b.ask(t, "POST", "/session", "")
	b.want(t, "POST", "/v1/unlock", fmt.Sprintf(`{"name":"x","key":"%s"}`, timed["key"]), 200, `{"unlocked":true,"name":"x"}`)
	r.door.free(t, "x")
}

func TestRESTSessions(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{})
	b := r.browser(t)
	b.want(t, "POST", "/v1/lock", `{"name":"x"}`, 401, wantNoCookie)
	b.want(t, "DELETE", "/session", "", 500, `{"error":"http: named cookie not present"}`)
	before := time.Now()
	got, response := b.ask(t, "POST", "/session", "")
	cookie := response.Header.Get("Set-Cookie")
	parts := regexp.MustCompile(`^ldlm-session=([0-9a-f]{32}); Path=/; Expires=([^;]+)$`).FindStringSubmatch(cookie)
	if parts == nil {
		t.Fatalf("cookie %q", cookie)
	}
	if diff := cmp.Diff(said{201, any(map[string]any{"session_id": parts[1]}), "application/json"}, got); diff != "" {
		t.Error(diff)
	}
	expires, err := http.ParseTime(parts[2])
	if err != nil || expires.Before(before.Add(10*time.Minute).Truncate(time.Second)) || expires.After(time.Now().Add(10*time.Minute)) {
		t.Errorf("expires %s: %v", expires, err)
	}
	if _, response = b.ask(t, "POST", "/v1/lock", `{"name":"x"}`); !strings.HasPrefix(response.Header.Get("Set-Cookie"), "ldlm-session="+parts[1]+"; Path=/; Expires=") {
		t.Error(response.Header)
	}
	b.want(t, "GET", "/v1/lock", "", 501, `{"code":12,"message":"Method Not Allowed","details":[]}`)
	b.want(t, "POST", "/v1/look", "", 404, `{"code":5,"message":"Not Found","details":[]}`)
	b.want(t, "GET", "/session", "", 404, `{"code":5,"message":"Not Found","details":[]}`)
	if h := r.door.state(t, "x").Holders; len(h) != 1 || len(h[0].Sessions) != 1 || h[0].Client == "" {
		t.Errorf("%+v", h)
	}
	if got, response = b.ask(t, "DELETE", "/session", ""); response.Header.Get("Set-Cookie") != "ldlm-session=; Path=/; Max-Age=0" {
		t.Error(response.Header)
	}
	if diff := cmp.Diff(said{200, any(map[string]any{"session_id": ""}), "application/json"}, got); diff != "" {
		t.Error(diff)
	}
	if h := r.door.state(t, "x").Holders; len(h) != 0 { // when it is answered
		t.Errorf("%+v", h)
	}
	b.want(t, "POST", "/v1/lock", `{"name":"x"}`, 401, wantNoCookie)
	old := &browser{&http.Client{Transport: withCookie{b.Transport, parts[1]}}, b.url}
	old.want(t, "POST", "/v1/lock", `{"name":"x"}`, 401, wantOldCookie)
	old.want(t, "DELETE", "/session", "", 409, `{"error":"session not found"}`)
}

// withCookie shows the cookie of a session.
type withCookie struct {
	http.RoundTripper
	id string
}

// RoundTrip makes a request.
func (w withCookie) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.AddCookie(&http.Cookie{Name: "ldlm-session", Value: w.id})
	return w.RoundTripper.RoundTrip(r)
}

func TestRESTCalls(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{})
	a, b := r.browser(t), r.browser(t)
	a.ask(t, "POST", "/session", "")
	b.ask(t, "POST", "/session", "")
	got := a.want(t, "POST", "/v1/lock", `{"name":"x","size":2,"lock_timeout_seconds":1000,"unknown":[1]}`, 200, `{"locked":true,"name":"x","key":"{key}"}`)
	key := got["key"].(string)
	second := b.want(t, "POST", "/v1/lock", `{"name":"x","size":2,"lockTimeoutSeconds":"1000"}`, 200, `{"locked":true,"name":"x","key":"{key}"}`)
	b.want(t, "POST", "/v1/lock", `{"name":"x","size":2}`, 200, `{"locked":false,"name":"x","key":"{key}"}`)
	b.want(t, "POST", "/v1/lock", `{"name":"x"}`, 200,
		`{"locked":false,"name":"x","key":"{key}","error":{"code":"LockSizeMismatch","message":"lock size mismatch"}}`)
	b.want(t, "POST", "/v1/lock", `{"name":"x","size":0}`, 200,
		`{"locked":false,"name":"x","key":"{key}","error":{"code":"InvalidLockSize","message":"lock size must be greater than 0"}}`)
	b.want(t, "POST", "/v1/lock", `{"name":"x","lock_timeout_seconds":-1}`, 200,
		`{"locked":false,"name":"x","key":"","error":{"code":"Unknown","message":"lock timeout must be greater than 0"}}`)
	for _, body := range []string{"", " ", "{}"} {
		b.want(t, "POST", "/v1/lock", body, 200, `{"locked":false,"name":"","key":"{key}","error":{"code":"Unknown","message":"lock name cannot be empty"}}`)
	}
	for _, body := range []string{"{", "[]", "1", `{"name":1}`, `{"name":"x","size":"much"}`, `{"name":"x","size":3000000000}`, `{"name":"x"}{}`} {
		b.want(t, "POST", "/v1/lock", body, 400, `{"code":3,"message":"{message}","details":[]}`)
	}
	b.want(t, "POST", "/v1/renew", `{"name":"x","key":"`+key+`","lock_timeout_seconds":2000}`, 200, `{"locked":true,"name":"x","key":"`+key+`"}`)
	b.want(t, "POST", "/v1/renew", `{"name":"x","key":"other","lock_timeout_seconds":2000}`, 200,
		`{"locked":false,"name":"x","key":"other","error":{"code":"LockDoesNotExistOrInvalidKey","message":"lock does not exist or invalid key"}}`)
	b.want(t, "POST", "/v1/renew", `{"name":"x","key":"`+key+`"}`, 200,
		`{"locked":false,"name":"x","key":"","error":{"code":"Unknown","message":"lock timeout must be greater than 0"}}`)
	b.want(t, "POST", "/v1/unlock", `{"name":"x","key":"other"}`, 200,
		`{"unlocked":false,"name":"x","error":{"code":"InvalidLockKey","message":"invalid lock key"}}`)
	b.want(t, "POST", "/v1/unlock", `{"name":"y","key":"other"}`, 200,
		`{"unlocked":false,"name":"y","error":{"code":"LockDoesNotExist","message":"a lock by that name does not exist"}}`)
	b.want(t, "POST", "/v1/unlock", `{"name":"x","key":"`+key+`"}`, 200, `{"unlocked":true,"name":"x"}`)
	a.ask(t, "DELETE", "/session", "")
	if h := r.door.state(t, "x").Holders; len(h) != 1 || h[0].Owner != second["key"] {
		t.Errorf("%+v", h)
	}
	c := r.door.dial(t) // what one door has locked the other unlocks
	if u := c.unlock(t, "x", second["key"].(string)); !u.GetUnlocked() {
		t.Error(u)
	}
}

func TestRESTPassword(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{Password: "se:same"})
	b := r.browser(t)
	for _, header := range [][]string{nil, {"Authorization", "Basic eDpTZXNhbWU="}, {"Authorization", "se:same"}, {"Authorization", "Basic !"}} {
		got, response := b.ask(t, "POST", "/session", "", header...)
		if got.Code != 401 || got.Body != nil || response.Header.Get("WWW-Authenticate") != `Basic realm="Restricted"` {
			t.Errorf("%q: %+v %v", header, got, response.Header)
		}
	}
	for _, user := range []string{"", "any"} {
		request, err := http.NewRequestWithContext(t.Context(), "POST", b.url+"/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.SetBasicAuth(user, "se:same")
		response, err := b.Do(request)
		if err != nil || response.StatusCode != 201 {
			t.Fatal(response, err)
		}
		response.Body.Close()
	}
	if got, _ := b.ask(t, "POST", "/v1/lock", `{"name":"x"}`); got.Code != 401 { // the cookie is not enough
		t.Error(got)
	}
}

// TestRESTServesTheSitesThatAreKnown has it called by a name that is known, and by the
// pages of that site, and says to others how theirs may be.
func TestRESTServesTheSitesThatAreKnown(t *testing.T) {
	for _, origins := range [][]string{{"https://app.example"}, {"https://app.example", "*"}} {
		b := openREST(t, gateway.Limits{}, Config{}, origins...).browser(t)
		for _, header := range [][]string{
			{"Host", "app.example"},
			{"Origin", "https://app.example", "Sec-Fetch-Site", "cross-site"},
			{"Host", "app.example", "Origin", "https://app.example"},
		} {
			if got, _ := b.ask(t, "POST", "/session", "", header...); got.Code != 201 {
				t.Errorf("%q: %q: %+v", origins, header, got)
			}
		}
		for _, header := range [][]string{{"Host", "other.example"}, {"Origin", "https://other.example"}} {
			got, _ := b.ask(t, "POST", "/session", "", header...)
			message := fmt.Sprint(got.Body)
			if known := len(origins) > 1; known != (got.Code == 201) {
				t.Errorf("%q: %q: %+v", origins, header, got)
			} else if !known && (!strings.Contains(message, header[1]) || !strings.Contains(message, "--ldlm-rest-origin")) {
				t.Errorf("%q: %s", header, message)
			}
		}
	}
}

func TestRESTTellsTheOperatorOfOtherSites(t *testing.T) {
	var log gatewaytest.Log
	s := clienttest.New(t)
	r := closedDoor(t, s, s.Conn(), gateway.Config{Logger: log.Logger()}, Config{}).newREST(t, 0)
	defer r.Drain(t.Context())
	connection := r.door.Connect()
	defer connection.Close()
	request := httptest.NewRequestWithContext(context.WithValue(t.Context(), connKey{}, connection), http.MethodPost, "/session", http.NoBody)
	request.Header.Set("Origin", "https://evil.example")
	if a := r.answer(httptest.NewRecorder(), request); a.code != http.StatusForbidden {
		t.Errorf("%d %s", a.code, a.body)
	}
	if said := log.String(); !strings.Contains(said, "door=ldlm-rest ") || !strings.Contains(said, "evil.example") || !strings.Contains(said, "--ldlm-rest-origin") {
		t.Errorf("the log says %q", said)
	}
}

func TestRESTRefusesOtherSites(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{})
	b := r.browser(t)
	for _, header := range [][]string{{"Host", "evil.example"}, {"Origin", "https://evil.example"}, {"Sec-Fetch-Site", "cross-site"}} {
		if got, _ := b.ask(t, "POST", "/session", "", header...); got.Code != 403 {
			t.Errorf("%q: %+v", header, got)
		}
	}
	if got, _ := b.ask(t, "POST", "/session", "", "Host", "localhost:1", "Origin", "http://localhost:1"); got.Code != 201 {
		t.Error(got)
	}
}
