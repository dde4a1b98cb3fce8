package engine

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// retryAfter is after how many seconds those come back who were turned away.
const retryAfter = "5"

// Server is an http.Handler that serves sessions.
type Server struct {
	config  Config
	running sync.WaitGroup // what Shutdown waits for

	mu       sync.Mutex
	sessions map[string]*Session // guarded by mu, as are all below
	opening  int                 // websockets that are to be sessions
	draining bool
}

// New returns a server.
func New(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Server{config: config, sessions: map[string]*Session{}}, nil
}

// Sessions returns how many sessions there are.
func (s *Server) Sessions() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// ServeHTTP serves one request. The path is not looked at.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := s.enter(); err != nil {
		s.refuse(w, r, err)
		return
	}
	defer s.running.Done()
	if !s.config.allowed(r) {
		s.refuse(w, r, ErrForbidden)
		return
	}
	s.config.share(w.Header(), r)
	if r.Method == http.MethodOptions {
		s.config.preflight(w, r)
		return
	}
	if err := s.serve(w, r); err != nil {
		s.refuse(w, r, err)
	}
}

// enter counts a request. A request to a session that still leaves is served
// while the server shuts down.
func (s *Server) enter() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining && len(s.sessions) == 0 {
		return ErrDraining
	}
	s.running.Add(1)
	return nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	a, err := s.config.parseAsk(r)
	if err != nil {
		return err
	}
	if a.id == "" {
		return s.serveNew(w, r, a)
	}
	s.mu.Lock()
	session := s.sessions[a.id]
	s.mu.Unlock()
	switch {
	case session == nil:
		return ErrUnknownSession
	case a.websocket:
		return session.serveUpgrade(w, r)
	case r.Method == http.MethodGet:
		return session.serveGet(w, r)
	case r.Method == http.MethodPost:
		return session.servePost(w, r)
	}
	return ErrBadRequest
}

// serveNew begins a session.
func (s *Server) serveNew(w http.ResponseWriter, r *http.Request, a ask) error {
	if s.config.Admit != nil {
		if err := s.config.Admit(r); err != nil {
			return err
		}
	}
	if err := s.reserve(); err != nil {
		return err
	}
	now := time.Now()
	if !a.websocket {
		session, open, err := s.begin(newHandshake(r, a.query, now), nil)
		if err != nil {
			return err
		}
		if err := respond(w, s.config.WriteTimeout, open.appendText(nil)); err != nil {
			session.discard(err)
		}
		return nil
	}
	ws, err := s.config.accept(w, r)
	if err != nil {
		s.unreserve()
		return nil // it is answered
	}
	defer ws.release()
	session, _, err := s.begin(newHandshake(r, a.query, now), ws)
	if err != nil {
		return nil // there is nothing left to answer with
	}
	session.read(ws)
	return nil
}

// reserve makes room for a session.
func (s *Server) reserve() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.draining:
		return ErrDraining
	case len(s.sessions)+s.opening >= s.config.MaxSessions:
		return ErrTooManySessions
	}
	s.opening++
	return nil
}

func (s *Server) unreserve() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
}

// begin makes a session in the room that was reserved, and returns its first
// packet, which a websocket is sent at once.
func (s *Server) begin(handshake Handshake, ws *wire) (*Session, packet, error) {
	session := &Session{id: newID(), handshake: handshake, server: s, wire: ws, in: newTurn()}
	session.in.take() // until there is a receiver
	defer session.in.leave()
	session.ctx, session.cancel = context.WithCancelCause(context.Background())
	session.core = core{
		heart:      newHeart(s.config.PingInterval, s.config.PingTimeout, handshake.Time),
		out:        queue{limit: s.config.MaxBuffered},
		overSocket: ws != nil,
	}
	upgrades := []string{}
	if ws == nil {
		upgrades = s.config.upgrades()
	}
	open, err := s.config.open(session.id, upgrades)
	if err != nil {
		s.unreserve()
		return nil, packet{}, err
	}
	if ws != nil {
		session.core.out.control(open)
	}
	if late := s.register(session); late {
		session.Close(ErrShutdown)
	}
	session.receiver = s.config.Accept(session)
	session.step(func(time.Time) {})
	return session, open, nil
}

// register makes a session known. It reports whether the server shuts down since
// there was room for it.
func (s *Server) register(session *Session) (late bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening--
	s.sessions[session.id] = session
	return s.draining
}

// forget is a session that is gone.
func (s *Server) forget(session *Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, session.id)
}

// refuse answers a request that is not served.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	if s.config.Refused != nil {
		s.config.Refused(r, err)
	}
	refusal := ErrForbidden
	if !errors.As(err, &refusal) {
		refusal = ErrForbidden
	}
	if refusal.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", retryAfter)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(refusal.Status)
	_ = json.NewEncoder(w).Encode(refusal) // to a client that went away
}
