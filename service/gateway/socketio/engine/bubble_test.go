package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/internal/bubbletest"
	"github.com/natslock/natslock/service/gateway/socketio/internal/memnet"
)

// bubble is a server whose time and network are not real.
type bubble struct {
	t        *testing.T
	server   *Server
	client   *http.Client
	sessions chan *echo // as they begin
	refused  chan error
	large    chan struct{} // as they are told of
}

// echo is a receiver that sends back what it receives.
type echo struct {
	session *Session
	closed  chan error

	mu   sync.Mutex
	got  []string // guarded by mu
	deaf bool     // guarded by mu
}

func (e *echo) Message(m Message) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.got = append(e.got, string(m.Data))
	if m.Cut {
		m.Data = append(m.Data, " and more"...)
	}
	if !e.deaf {
		_ = e.session.Send(m)
	}
}

func (e *echo) Closed(reason error) { e.closed <- reason }

// wantClosed waits for the end of the session.
func (e *echo) wantClosed(t *testing.T, want error) {
	t.Helper()
	if reason := <-e.closed; !errors.Is(reason, want) {
		t.Errorf("closed: %v, want %v", reason, want)
	}
	if cause := context.Cause(e.session.Context()); !errors.Is(cause, want) {
		t.Errorf("canceled: %v, want %v", cause, want)
	}
}

// inBubble runs a test of a server that echoes. What the test starts ends with it.
func inBubble(t *testing.T, config Config, test func(*testing.T, *bubble)) {
	t.Helper()
	bubbletest.Run(t, func(t *testing.T) {
		b := &bubble{t: t, sessions: make(chan *echo, 1000), refused: make(chan error, 1000), large: make(chan struct{}, 1000)}
		config.Oversized = func() { b.large <- struct{}{} }
		config.Refused = func(_ *http.Request, err error) { b.refused <- err }
		config.Accept = func(s *Session) Receiver {
			e := &echo{session: s, closed: make(chan error, 1)}
			b.sessions <- e
			return e
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
		if n := server.Sessions(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
		transport.CloseIdleConnections()
		_ = h.Close()
		<-served
		time.Sleep(time.Second) // net/http lingers with connections that it closes
	})
}

// answer is what a request was answered.
type answer struct {
	status int
	body   string
	header http.Header
	err    error
}

// do sends a request, with headers as pairs.
func (b *bubble) do(ctx context.Context, method, query, body string, headers ...string) answer {
	r, err := http.NewRequestWithContext(ctx, method, "http://natslock/engine.io/?"+query, strings.NewReader(body))
	if err != nil {
		return answer{err: err}
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := b.client.Do(r)
	if err != nil {
		return answer{err: err}
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	return answer{status: response.StatusCode, body: string(text), header: response.Header, err: err}
}

// want wants an answer.
func (a answer) want(t *testing.T, status int, body string) {
	t.Helper()
	if a.err != nil || a.status != status || strings.TrimSpace(a.body) != body {
		t.Errorf("answer %d %q, %v; want %d %q", a.status, a.body, a.err, status, body)
	}
}

const unknownID = `{"code":1,"message":"Session ID unknown"}`
const badRequest = `{"code":3,"message":"Bad request"}`

func polling(sid string) string {
	if sid == "" {
		return "EIO=4&transport=polling"
	}
	return "EIO=4&transport=polling&sid=" + sid
}

func (b *bubble) get(sid string) answer { return b.do(b.t.Context(), "GET", polling(sid), "") }

func (b *bubble) post(sid, body string) answer {
	return b.do(b.t.Context(), "POST", polling(sid), body)
}

// later sends a request that waits, and returns when the server has it.
func (b *bubble) later(send func() answer) <-chan answer {
	answers := make(chan answer, 1)
	go func() { answers <- send() }()
	synctest.Wait()
	return answers
}

type handshake struct {
	SID          string
	Upgrades     []string
	PingInterval int
	PingTimeout  int
	MaxPayload   int
}

// open begins a session over polling.
func (b *bubble) open() (string, *echo) {
	b.t.Helper()
	a := b.get("")
	if a.status != http.StatusOK {
		b.t.Fatalf("open: %d %q %v", a.status, a.body, a.err)
	}
	return b.parseOpen(a.body).SID, <-b.sessions
}

func (b *bubble) parseOpen(text string) handshake {
	b.t.Helper()
	var h handshake
	d := json.NewDecoder(bytes.NewReader([]byte(strings.TrimPrefix(text, "0"))))
	d.DisallowUnknownFields()
	if err := d.Decode(&h); err != nil || text[0] != '0' || h.SID == "" {
		b.t.Fatalf("open packet %q: %v", text, err)
	}
	return h
}

// socket is a websocket of a client.
type socket struct {
	t    *testing.T
	conn *websocket.Conn
}

// dial begins a websocket, of a session if there is one.
func (b *bubble) dial(sid string) *socket {
	b.t.Helper()
	query := "EIO=4&transport=websocket"
	if sid != "" {
		query += "&sid=" + sid
	}
	conn, response, err := websocket.Dial(b.t.Context(), "ws://natslock/engine.io/?"+query, &websocket.DialOptions{HTTPClient: b.client})
	if err != nil {
		b.t.Fatalf("dial: %v", err)
	}
	if response.Body != nil {
		_ = response.Body.Close()
	}
	conn.SetReadLimit(-1)
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{t: b.t, conn: conn}
}

// openSocket begins a session over a websocket.
func (b *bubble) openSocket() (*socket, *echo) {
	b.t.Helper()
	s := b.dial("")
	b.parseOpen(s.read())
	return s, <-b.sessions
}

func (s *socket) send(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if err := s.conn.Write(s.t.Context(), websocket.MessageText, []byte(text)); err != nil {
			s.t.Errorf("send %q: %v", text, err)
		}
	}
}

func (s *socket) read() string {
	s.t.Helper()
	_, data, err := s.conn.Read(s.t.Context())
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	return string(data)
}

func (s *socket) want(texts ...string) {
	s.t.Helper()
	for _, text := range texts {
		if got := s.read(); got != text {
			s.t.Errorf("read %q, want %q", got, text)
		}
	}
}

// wantClosed wants the server to close the websocket.
func (s *socket) wantClosed() {
	s.t.Helper()
	if _, data, err := s.conn.Read(s.t.Context()); err == nil {
		s.t.Errorf("read %q, want the end", data)
	}
}
