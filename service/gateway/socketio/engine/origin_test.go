package engine

import (
	"context"
	"net/http"
	"testing"

	"github.com/coder/websocket"
)

const forbidden = `{"code":4,"message":"Forbidden"}`

func TestPagesOfOtherOriginsAreRefused(t *testing.T) {
	inBubble(t, Config{
		Origins:     []string{"https://App.example"},
		AllowOrigin: func(r *http.Request, origin string) bool { return origin == "https://"+r.URL.Query().Get("tenant") },
	}, func(t *testing.T, b *bubble) {
		for origin, allowed := range map[string]bool{
			"":                         true, // no browser
			"http://natslock":          true,
			"https://NATSLOCK":         true,
			"https://app.example":      true,
			"https://tenant":           true,
			"https://app.example.evil": false,
			"https://natslock.evil":    false,
			"http://natslock:81":       false,
			"http://app.example":       false,
			"null":                     false,
			"file://":                  false,
			"://":                      false,
		} {
			var headers []string
			if origin != "" {
				headers = []string{"Origin", origin}
			}
			a := b.do(t.Context(), "GET", polling("")+"&tenant=tenant", "", headers...)
			shared := a.header.Get("Access-Control-Allow-Origin")
			if got := a.status == 200; got != allowed || shared != "" && shared != origin || allowed != (shared == origin) {
				t.Errorf("%q: %d %q, shared with %q", origin, a.status, a.body, shared)
			}
			if !allowed {
				a.want(t, 403, forbidden)
			}
			options := &websocket.DialOptions{HTTPClient: b.client, HTTPHeader: http.Header{"Origin": {origin}}}
			conn, _, err := websocket.Dial(t.Context(), "ws://natslock/?EIO=4&transport=websocket&tenant=tenant", options)
			if (err == nil) != allowed {
				t.Errorf("%q: websocket: %v", origin, err)
			}
			if err == nil {
				_ = conn.CloseNow()
			}
		}
	})
}

func TestABrowserAsksBeforehand(t *testing.T) {
	ask := func(b *bubble, origin string) answer {
		return b.do(b.t.Context(), "OPTIONS", polling(""), "", "Origin", origin,
			"Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "x-token")
	}
	inBubble(t, Config{Origins: []string{"https://app.example"}, Credentials: true}, func(t *testing.T, b *bubble) {
		a := ask(b, "https://app.example")
		a.want(t, 204, "")
		for header, want := range map[string]string{
			"Access-Control-Allow-Origin":      "https://app.example",
			"Access-Control-Allow-Credentials": "true",
			"Access-Control-Allow-Methods":     "GET,POST",
			"Access-Control-Allow-Headers":     "x-token",
			"Vary":                             "Origin",
		} {
			if got := a.header.Get(header); got != want {
				t.Errorf("%s: %q", header, got)
			}
		}
		ask(b, "https://evil.example").want(t, 403, forbidden)
		if n := b.server.Sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
	inBubble(t, Config{Origins: []string{"*"}}, func(t *testing.T, b *bubble) {
		a := ask(b, "null")
		a.want(t, 204, "")
		if got := a.header.Get("Access-Control-Allow-Origin"); got != "*" || a.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("allowed: %v", a.header)
		}
	})
}

func TestAConfigIsChecked(t *testing.T) {
	accept := func(*Session) Receiver { return nil }
	for name, config := range map[string]Config{
		"no Accept":    {},
		"no transport": {Accept: accept, DisablePolling: true, DisableWebsocket: true},
		"credentials":  {Accept: accept, Origins: []string{"*"}, Credentials: true},
		"negative":     {Accept: accept, MaxPayload: -1},
		"negative too": {Accept: accept, PingTimeout: -1},
	} {
		if _, err := New(config); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	server, err := New(Config{Accept: accept})
	if err != nil {
		t.Fatal(err)
	}
	if c := server.config; c.PingInterval != DefaultPingInterval || c.MaxSessions != DefaultMaxSessions || c.MaxPayload != DefaultMaxPayload {
		t.Errorf("defaults %+v", c)
	}
	if err := server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
