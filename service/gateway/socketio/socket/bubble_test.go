package socket

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/service/gateway/socketio/internal/memnet"
)

// bubble is a server whose time and network are not real. Its sockets echo.
type bubble struct {
	t       *testing.T
	server  *Server
	client  *http.Client
	sockets chan *Socket // as they connect
	reasons chan Reason  // as they disconnect
}

// inBubble runs a test of a server with the namespaces "/" and "/custom".
func inBubble(t *testing.T, config Config, test func(*testing.T, *bubble)) {
	t.Helper()
	bubbletest.Run(t, func(t *testing.T) {
		b := &bubble{t: t, sockets: make(chan *Socket, 1000), reasons: make(chan Reason, 1000)}
		if config.Namespaces == nil {
			config.Namespaces = map[string]Connect{"/": b.connect, "/custom": b.connect}
		}
		server, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		listener := memnet.Listen()
		transport := &http.Transport{DialContext: listener.Dial}
		b.server, b.client = server, &http.Client{Transport: transport}
		h := &http.Server{Handler: server}
		served := make(chan struct{})
		go func() {
			defer close(served)
			_ = h.Serve(listener)
		}()
		test(t, b)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		if n := server.Connections(); n != 0 {
			t.Errorf("%d connections are left", n)
		}
		transport.CloseIdleConnections()
		_ = h.Close()
		<-served
		time.Sleep(time.Second) // net/http lingers with connections that it closes
	})
}

// connect is a namespace that echoes.
func (b *bubble) connect(s *Socket) error {
	var auth struct{ Refuse string }
	_ = json.Unmarshal(s.Auth(), &auth)
	switch auth.Refuse {
	case "with data":
		return &Refusal{Message: "unauthorized", Data: map[string]int{"code": 401}}
	case "with an error":
		return errors.New("secret")
	}
	s.On("message", func(e *Event) { _ = s.Emit("message-back", echoed(e)...) })
	s.On("message-with-ack", func(e *Event) { _ = e.Ack(echoed(e)...) })
	s.OnDisconnect(func(reason Reason) { b.reasons <- reason })
	b.sockets <- s
	return s.Emit("auth", s.Auth())
}

// echoed are the arguments of an event, to be sent back.
func echoed(e *Event) []any {
	args := make([]any, len(e.Args))
	for i, arg := range e.Args {
		args[i] = arg
		if bytes, ok := e.Binary(i); ok {
			args[i] = bytes
		}
	}
	return args
}

func (b *bubble) wantReason(want Reason) {
	b.t.Helper()
	if reason := <-b.reasons; reason != want {
		b.t.Errorf("disconnected: %s, want %s", reason, want)
	}
}

// peer is a websocket of a client.
type peer struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial begins a connection.
func (b *bubble) dial() *peer {
	b.t.Helper()
	conn, response, err := websocket.Dial(b.t.Context(), "ws://natslock/socket.io/?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: b.client})
	if err != nil {
		b.t.Fatalf("dial: %v", err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	conn.SetReadLimit(-1)
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	p := &peer{t: b.t, conn: conn}
	p.wantPrefix("0{")
	return p
}

// join begins a connection, to the namespace "/".
func (b *bubble) join() (*peer, *Socket) {
	b.t.Helper()
	p := b.dial()
	p.send("40")
	p.wantPrefix(`40{"sid":"`)
	p.want(`42["auth",{}]`)
	return p, <-b.sockets
}

func (p *peer) send(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if err := p.conn.Write(p.t.Context(), websocket.MessageText, []byte(text)); err != nil {
			p.t.Errorf("send %q: %v", text, err)
		}
	}
}

func (p *peer) sendBytes(bytes ...byte) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageBinary, bytes); err != nil {
		p.t.Errorf("send %q: %v", bytes, err)
	}
}

func (p *peer) read() string {
	p.t.Helper()
	_, data, err := p.conn.Read(p.t.Context())
	if err != nil {
		p.t.Fatalf("read: %v", err)
	}
	return string(data)
}

func (p *peer) want(texts ...string) {
	p.t.Helper()
	for _, text := range texts {
		if got := p.read(); got != text {
			p.t.Errorf("read %q, want %q", got, text)
		}
	}
}

func (p *peer) wantPrefix(prefix string) string {
	p.t.Helper()
	got := p.read()
	if !strings.HasPrefix(got, prefix) {
		p.t.Errorf("read %q, want %q", got, prefix)
	}
	return strings.TrimPrefix(got, prefix)
}

// wantClosed wants the server to close the connection.
func (p *peer) wantClosed() {
	p.t.Helper()
	if _, data, err := p.conn.Read(p.t.Context()); err == nil {
		p.t.Errorf("read %q, want the end", data)
	}
}

// wantAlive wants the server to serve others.
func (b *bubble) wantAlive() {
	b.t.Helper()
	p, _ := b.join()
	p.send(`42["message","alive"]`)
	p.want(`42["message-back","alive"]`)
	_ = p.conn.CloseNow()
	b.wantReason(ReasonTransportClose)
}

// poll sends a request of polling.
func (b *bubble) poll(sid, body string) string {
	b.t.Helper()
	method, url := http.MethodGet, "http://natslock/socket.io/?EIO=4&transport=polling&sid="+sid
	if body != "" {
		method = http.MethodPost
	}
	r, err := http.NewRequestWithContext(b.t.Context(), method, strings.TrimSuffix(url, "&sid="), strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	response, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.t.Errorf("%s %q: %d %q, %v", method, body, response.StatusCode, text, err)
	}
	return string(text)
}
