package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/service/gateway/socketio/internal/memnet"
)

// suite is a server as the suites find it, whose time and network are not real.
type suite struct {
	t      *testing.T
	client *http.Client
}

func inBubble(t *testing.T, test func(*suite)) {
	t.Helper()
	bubbletest.Run(t, func(t *testing.T) {
		servers, err := newServers(settings{300 * time.Millisecond, 200 * time.Millisecond, time.Second})
		if err != nil {
			t.Fatal(err)
		}
		listener := memnet.Listen()
		transport := &http.Transport{DialContext: listener.Dial}
		ctx, cancel := context.WithCancel(t.Context())
		served := make(chan error, 1)
		go func() { served <- serve(ctx, listener, servers) }()
		test(&suite{t: t, client: &http.Client{Transport: transport}})
		cancel()
		transport.CloseIdleConnections()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
		time.Sleep(time.Second) // net/http lingers with connections that it closes
	})
}

func (s *suite) fetch(method, path, body string) (int, string, http.Header) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, "http://suite"+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(text), response.Header
}

func (s *suite) dial(path string) *websocket.Conn {
	s.t.Helper()
	conn, response, err := websocket.Dial(s.t.Context(), "ws://suite"+path, &websocket.DialOptions{HTTPClient: s.client})
	if err != nil {
		s.t.Fatal(err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return conn
}

func (s *suite) read(conn *websocket.Conn) string {
	s.t.Helper()
	_, data, err := conn.Read(s.t.Context())
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	return string(data)
}

func (s *suite) send(conn *websocket.Conn, typ websocket.MessageType, data string) {
	s.t.Helper()
	if err := conn.Write(s.t.Context(), typ, []byte(data)); err != nil {
		s.t.Errorf("send: %v", err)
	}
}

// wantOpen wants an open packet with exactly the keys that the suites expect.
func (s *suite) wantOpen(text string, upgrades ...any) {
	s.t.Helper()
	var open map[string]any
	if err := json.Unmarshal([]byte(strings.TrimPrefix(text, "0")), &open); err != nil {
		s.t.Fatalf("open %q: %v", text, err)
	}
	want := map[string]any{
		"sid": open["sid"], "upgrades": append([]any{}, upgrades...),
		"pingInterval": 300.0, "pingTimeout": 200.0, "maxPayload": 1e6,
	}
	if d := cmp.Diff(want, open); d != "" {
		s.t.Error(d)
	}
}

func TestASessionOpensAsTheSuitesExpect(t *testing.T) {
	for _, path := range []string{"/engine.io/", "/socket.io/"} {
		inBubble(t, func(s *suite) {
			status, text, header := s.fetch("GET", path+"?EIO=4&transport=polling", "")
			if status != 200 || header.Get("Access-Control-Allow-Origin") != "*" {
				s.t.Errorf("%d, %v", status, header)
			}
			s.wantOpen(text, "websocket")
			s.wantOpen(s.read(s.dial(path + "?EIO=4&transport=websocket")))
		})
	}
}

func TestMessagesAreEchoed(t *testing.T) {
	inBubble(t, func(s *suite) {
		conn := s.dial("/engine.io/?EIO=4&transport=websocket")
		s.read(conn)
		s.send(conn, websocket.MessageText, "4hello")
		s.send(conn, websocket.MessageBinary, "\x01\x02")
		if got := []string{s.read(conn), s.read(conn)}; !slices.Equal(got, []string{"4hello", "\x01\x02"}) {
			s.t.Errorf("got %q", got)
		}
		s.send(conn, websocket.MessageText, "4\x1e")
		if _, data, err := conn.Read(s.t.Context()); err == nil {
			s.t.Errorf("got %q of what cannot be sent", data)
		}
	})
}

// Each script is of a connection: > is sent, >b sent as bytes, < is the beginning of
// what comes back.
func TestEventsAreEchoed(t *testing.T) {
	const two = `{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`
	for name, script := range map[string][]string{
		"auth":              {`>40{"token":"123"}`, `<40{"sid":"`, `<42["auth",{"token":"123"}]`},
		"custom":            {">40/custom,", `<40/custom,{"sid":"`, `<42/custom,["auth",{}]`},
		"unknown namespace": {">40/random", `<44/random,{"message":"Invalid namespace"}`},
		"event":             {">40", "<40{", `<42["auth",{}]`, `>42["message",1,"2",{"3":[true]}]`, `<42["message-back",1,"2",{"3":[true]}]`},
		"ack":               {">40", "<40{", `<42["auth",{}]`, `>42456["message-with-ack",1]`, "<43456[1]"},
		"bytes":             {">40", "<40{", `<42["auth",{}]`, `>452-["message",` + two, ">b\x01", ">b\x02", `<452-["message-back",` + two, "<\x01", "<\x02"},
		"ack of bytes":      {">40", "<40{", `<42["auth",{}]`, `>452-789["message-with-ack",` + two, ">b\x01", ">b\x02", `<462-789[` + two, "<\x01", "<\x02"},
		"left":              {">40", "<40{", `<42["auth",{}]`, ">41", "<2"},
		"kicked":            {">40/clients", "<40/clients,{", `>42/clients,["kick"]`, `<42/clients,["kicked"]`, "<41/clients,"},
		"asked":             {">40/clients", "<40/clients,{", `>42/clients,["ask",1]`, `<42/clients,0["question",1]`, `>43/clients,0["one"]`, `<42/clients,["answer","one"]`},
		"counted":           {">40/clients", "<40/clients,{", `>42/clients,["count",2]`, `<42/clients,["number",0]`, `<42/clients,["number",1]`},
		"no number":         {">40/clients", "<40/clients,{", `>42/clients,["count"]`, "<41/clients,"},
		"handshake":         {">40/clients", "<40/clients,{", `>42/clients,7["handshake"]`, `<43/clients,7["`},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(s *suite) {
				conn := s.dial("/socket.io/?EIO=4&transport=websocket")
				s.read(conn)
				for _, line := range script {
					if want, receives := strings.CutPrefix(line, "<"); receives {
						if got := s.read(conn); !strings.HasPrefix(got, want) {
							s.t.Errorf("got %q, want %q", got, want)
						}
					} else if bytes, binary := strings.CutPrefix(line, ">b"); binary {
						s.send(conn, websocket.MessageBinary, bytes)
					} else {
						s.send(conn, websocket.MessageText, line[1:])
					}
				}
			})
		})
	}
}

func TestItListensUntilItIsToldToEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out, in := net.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"-addr", "127.0.0.1:0"}, in) }()
	line := make([]byte, 100)
	n, err := out.Read(line)
	if err != nil || !strings.HasPrefix(string(line[:n]), "conformance: ready at 127.0.0.1:") {
		t.Errorf("printed %q, %v", line[:n], err)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	for _, args := range [][]string{{"-addr", "nowhere:x"}, {"-ping-interval", "-1s"}} {
		if err := run(t.Context(), args, io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}
