package ldlm

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

func TestRESTLimits(t *testing.T) {
	r := openREST(t, gateway.Limits{Connections: 1, Size: 100}, Config{})
	a, b := r.browser(t), r.browser(t)
	a.ask(t, "POST", "/session", "")
	a.want(t, "POST", "/session", "", 429, `{"code":8,"message":"too many sessions","details":[]}`)
	b.want(t, "POST", "/session", "", 429, `{"code":8,"message":"too many connections","details":[]}`)
	a.ask(t, "DELETE", "/session", "")
	if got, _ := a.ask(t, "POST", "/session", ""); got.Code != 201 {
		t.Error(got)
	}
	a.want(t, "POST", "/v1/lock", `{"name":"`+strings.Repeat("x", 100)+`"}`, 413, `{"code":8,"message":"body: more than 100 bytes","details":[]}`)
}

func TestRESTBeyondItsRequests(t *testing.T) {
	r := openREST(t, gateway.Limits{Requests: 2}, Config{})
	b := r.browser(t)
	b.ask(t, "POST", "/session", "")
	s := r.only(t)
	ends := []func(){s.limit.Request(), s.limit.Request()}
	b.want(t, "POST", "/v1/lock", `{"name":"x"}`, 429, `{"code":8,"message":"too many requests of this session at the same time","details":[]}`)
	for _, end := range ends {
		end()
	}
	b.want(t, "POST", "/v1/lock", `{"name":"x"}`, 200, `{"locked":true,"name":"x","key":"{key}"}`)
}

// only is the session that there is.
func (r *REST) only(t *testing.T) *restSession {
	t.Helper()
	r.sessions.mu.Lock()
	defer r.sessions.mu.Unlock()
	for _, s := range r.sessions.open {
		return s
	}
	t.Fatal("no session")
	return nil
}

func TestRESTAnswersInTurn(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{})
	a, b := r.browser(t), r.browser(t)
	a.ask(t, "POST", "/session", "")
	b.Jar = a.Jar
	s := r.only(t)
	if !s.take(t.Context()) { // as a call that takes long
		t.Fatal()
	}
	answered := make(chan said, 2)
	for _, c := range []*browser{a, b} {
		go func() {
			got, _ := c.ask(t, "POST", "/v1/lock", `{"name":"x"}`)
			answered <- got
		}()
	}
	r.busy(s, 2)
	ctx, cancel := context.WithCancel(t.Context())
	hangup, err := http.NewRequestWithContext(ctx, "POST", r.url+"/v1/lock", strings.NewReader(`{"name":"y"}`))
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() {
		transport := &http.Transport{DisableKeepAlives: true}
		response, err := (&http.Client{Transport: transport, Jar: a.Jar}).Do(hangup)
		if err == nil {
			response.Body.Close()
		}
		gone <- err
	}()
	r.busy(s, 3)
	cancel()
	if err := <-gone; err == nil {
		t.Error("answered before its turn")
	}
	r.busy(s, 2)
	s.give()
	locked := 0
	for range 2 {
		if got := <-answered; got.Code == 200 && got.Body.(map[string]any)["locked"] == true {
			locked++
		}
	}
	if locked != 1 || len(r.door.state(t, "y").Holders) != 0 {
		t.Errorf("%d have locked x; y: %+v", locked, r.door.state(t, "y"))
	}
}

// busy waits until so many calls of a session are answered or wait.
func (r *REST) busy(s *restSession, n int) {
	for {
		r.sessions.mu.Lock()
		busy := s.busy
		r.sessions.mu.Unlock()
		if busy == n {
			return
		}
		runtime.Gosched()
	}
}

func TestRESTDrains(t *testing.T) {
	r := openREST(t, gateway.Limits{}, Config{})
	b := r.browser(t)
	b.ask(t, "POST", "/session", "")
	b.want(t, "POST", "/v1/lock", `{"name":"x"}`, 200, `{"locked":true,"name":"x","key":"{key}"}`)
	s := r.only(t)
	if !s.take(t.Context()) {
		t.Fatal()
	}
	waiting := make(chan said, 1)
	go func() {
		got, response := b.ask(t, "POST", "/v1/lock", `{"name":"y"}`)
		if response.Header.Get("Retry-After") == "" {
			t.Error(response.Header)
		}
		waiting <- got
	}()
	r.busy(s, 1)
	r.door.gateway.Drain()
	if got := <-waiting; got.Code != 503 {
		t.Error(got)
	}
	if got, _ := b.ask(t, "POST", "/session", ""); got.Code != 503 {
		t.Error(got)
	}
	s.give()
	r.Drain(t.Context())
	if h := r.door.state(t, "x").Holders; len(h) != 0 {
		t.Errorf("%+v", h)
	}
	if c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://")); err == nil {
		c.Close()
		t.Error("another connection is taken")
	}
}

// ask has REST answer a request without a connection.
func (r *REST) ask(t *testing.T, w http.ResponseWriter, method, path, body, cookie string) {
	t.Helper()
	limit := r.door.Connect()
	defer limit.Close()
	request := httptest.NewRequestWithContext(context.WithValue(t.Context(), connKey{}, limit), method, path, strings.NewReader(body))
	request.AddCookie(&http.Cookie{Name: "ldlm-session", Value: cookie})
	r.ServeHTTP(w, request)
}

func TestWhatRESTCannotDeliverIsTakenBack(t *testing.T) {
	d := openDoor(t, nil, gateway.Limits{}, Config{})
	r := d.newREST(t, 0)
	defer r.Drain(t.Context())
	r.ask(t, cut{http.Header{}}, "POST", "/session", "", "")
	cookie := r.only(t).cookie
	r.ask(t, cut{http.Header{}}, "POST", "/v1/lock", `{"name":"x"}`, cookie)
	if h := d.state(t, "x").Holders; len(h) != 0 {
		t.Errorf("%+v", h)
	}
	key := d.dial(t).mustTry(t, &pb.TryLockRequest{Name: "x", LockTimeoutSeconds: i32(1000)})
	r.ask(t, cut{http.Header{}}, "POST", "/v1/renew", `{"name":"x","key":"`+key+`","lock_timeout_seconds":5}`, cookie)
	if h := d.state(t, "x").Holders; len(h) != 1 || h[0].TTL != 5000 { // which its holder has, whatever becomes of the answer
		t.Errorf("%+v", h)
	}
}
