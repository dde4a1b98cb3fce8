package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
)

// talkSocketIO connects to the HTTP door of a server and has a talk: what is
// written, if anything, and how what is read begins.
func talkSocketIO(t *testing.T, s *serving, query string, talk [][2]string) *websocket.Conn {
	t.Helper()
	url := "ws" + strings.TrimPrefix(s.logged(t, "http listens", "url"), "http")
	conn, response, err := websocket.Dial(t.Context(), url+"/socket.io/?EIO=4&transport=websocket"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	for _, line := range talk {
		if line[0] != "" {
			if err := conn.Write(t.Context(), websocket.MessageText, []byte(line[0])); err != nil {
				t.Fatal(err)
			}
		}
		if _, text, err := conn.Read(t.Context()); err != nil || !strings.HasPrefix(string(text), line[1]) {
			t.Fatalf("after %q: %s, %v, want %s", line[0], text, err, line[1])
		}
	}
	return conn
}

func TestPagesFindTheSocketIOClient(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0")
	url := s.logged(t, "http listens", "url")
	for _, name := range []string{"socket.io.js", "socket.io.min.js", "socket.io.esm.min.js", "socket.io.js.map"} {
		if code, text := look(t, url+"/socket.io/"+name, "", ""); code != 200 || len(text) < 10_000 {
			t.Errorf("%s: %d, %d bytes", name, code, len(text))
		}
	}
	if code, _ := look(t, url+"/socket.io/socket.io.msgpack.min.js", "", ""); code != 404 {
		t.Errorf("another name: %d", code)
	}
	s.stop(t, syscall.SIGTERM)
}

func TestSocketIOIsForPagesOfKnownSites(t *testing.T) {
	s := startServe(t, "--data", t.TempDir(), "--nats", "127.0.0.1:0", "--http-origin", "https://shop.example")
	url := s.logged(t, "http listens", "url")
	for _, c := range []struct {
		host, origin string
		code         int
	}{
		{"", "", 200}, {"", url, 200}, {"", "https://shop.example", 200}, {"shop.example", "https://shop.example", 200},
		{"", "https://evil.example", 403}, {"", "null", 403}, {"evil.example", "http://evil.example", 403}, {"evil.example", "", 403},
	} {
		for transport, code := range map[string]int{"polling": c.code, "websocket": c.code} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/socket.io/?EIO=4&transport="+transport, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			if transport == "websocket" {
				if code == 200 {
					code = http.StatusSwitchingProtocols
				}
				for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
					r.Header.Set(name, value)
				}
			}
			response, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			if response.StatusCode != code {
				t.Errorf("%s for %q of %q: %d, want %d", transport, c.host, c.origin, response.StatusCode, code)
			}
		}
	}
	s.stop(t, syscall.SIGTERM)
}

func TestSocketIOIsServedOverHTTPAndLocksOutliveACrash(t *testing.T) {
	const lock = `42["lock",{"resource":{"entity":"orders","entityID":"42"}}]`
	args := []string{
		"--data", t.TempDir(), "--nats", "127.0.0.1:0", "--sync", "always", "--http", "127.0.0.1:0", "--socketio-realm", "shop",
	}
	s := startServe(t, args...)
	talkSocketIO(t, s, "&client_id=ann", [][2]string{
		{"", `0{"sid":`}, {"40", `40{"sid":`}, {lock, `42["lock",{"result":"ok","status":"locked",`},
		{`421["lockTable"]`, `42["lockTable",{"shop":{"aac108da1d2f83cc27bd00482d9f49fa00f0a4e8":`}, {"", `431[{"shop":`},
	})
	s.stop(t, syscall.SIGKILL)
	s = startServe(t, args...)
	_ = talkSocketIO(t, s, "&client_id=bob", [][2]string{
		{"", `0{"sid":`}, {"40", `40{"sid":`}, {lock, `42["lock",{"result":"error","status":"locked",`},
	}).CloseNow()
	_ = talkSocketIO(t, s, "&client_id=ann", [][2]string{
		{"", `0{"sid":`}, {"40", `40{"sid":`}, {lock, `42["lock",{"result":"ok","status":"already",`},
	}).CloseNow()
	if code := s.stop(t, syscall.SIGTERM); code != 0 {
		t.Errorf("exit %d", code)
	}
}
