package socket

import (
	"context"
	"net/http"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

// Server is an http.Handler that serves sockets.
type Server struct {
	config Config
	engine *engine.Server
}

// New returns a server.
func New(config Config) (*Server, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Server{config: config}
	on := config.Engine
	on.Accept = s.accept
	if s.engine, err = engine.New(on); err != nil {
		return nil, err
	}
	return s, nil
}

// ServeHTTP serves one request. The path is not looked at.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.engine.ServeHTTP(w, r) }

// Connections returns how many connections there are.
func (s *Server) Connections() int { return s.engine.Sessions() }

// Shutdown ends the server as engine.Server.Shutdown does: the clients come back,
// to another server. It returns when also all handlers, and all that sockets run,
// have returned. It must not be called by one of them.
func (s *Server) Shutdown(ctx context.Context) error { return s.engine.Shutdown(ctx) }
