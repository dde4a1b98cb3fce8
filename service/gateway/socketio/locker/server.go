package locker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/fan"
	"github.com/natslock/natslock/service/gateway/socketio/engine"
	"github.com/natslock/natslock/service/gateway/socketio/socket"
)

// The defaults of a Config.
const (
	DefaultTTL   = 900 * time.Second
	DefaultRealm = "undefined" // what locker-cache makes of none
)

// maxRead is how much is read of what is too large, so that it can be refused instead of
// its socket: what the server of locker-cache took.
const maxRead = 1_000_000

// namespace is the one there is.
const namespace = "/"

// Config says how a Server works. The zero Config is usable.
type Config struct {
	TTL     time.Duration // of every lock. Default: DefaultTTL
	Grace   time.Duration // of a socket that was not closed by its client
	Realm   string        // of sockets that name none. Default: DefaultRealm
	Origins []string      // whose pages may connect beside those of the host that is called
	Logger  *slog.Logger

	// DrainSpread is over how long Shutdown ends the connections. Default: that of
	// package engine.
	DrainSpread time.Duration
}

// Server serves the events. It is an http.Handler.
type Server struct {
	*socket.Server
	gateway *gateway.Gateway
	door    *gateway.Door
	config  Config

	patience time.Duration // with the service, for one request

	watches *fan.Hub[telling] // by realm
	recents recents
	joining *turns // of a client at a lock

	leaving sync.WaitGroup
	stop    context.CancelFunc
	stopped context.Context // sockets in their grace are left as they are
}

// New makes the door of a gateway.
func New(g *gateway.Gateway, cfg Config) (*Server, error) {
	cfg.TTL = cmp.Or(cfg.TTL, DefaultTTL)
	cfg.Realm = cmp.Or(cfg.Realm, DefaultRealm)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	door, err := g.Door("socketio")
	if err != nil {
		return nil, err
	}
	s := &Server{gateway: g, door: door, config: cfg, patience: callTimeout, joining: newTurns()}
	s.watches = fan.NewHub(gateway.MaxBehind, s.follow)
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.Server, err = socket.New(socket.Config{
		Engine: engine.Config{
			Admit: s.admit, Origins: cfg.Origins, DrainSpread: cfg.DrainSpread,
			MaxPayload: door.Limits().Size, MaxSessions: door.Limits().Connections,
			MaxRead: maxRead, Oversized: func() { door.Refuse(gateway.LimitSize) },
			Refused: s.refused,
		},
		Namespaces: map[string]socket.Connect{namespace: s.connect},
	})
	if err != nil {
		return nil, fmt.Errorf("socket.io: %w", err)
	}
	return s, nil
}

// Shutdown ends all connections: their clients come back, to another natslock if
// there is one, and find what they held.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.Server.Shutdown(ctx)
	s.stop()
	s.watches.Close(gateway.ErrDraining)
	s.leaving.Wait()
	return err
}

// admit turns away who comes while no calls are taken. Their clients try again.
func (s *Server) admit(*http.Request) error {
	if err := s.gateway.Open(); err != nil {
		return &engine.Refusal{Status: http.StatusServiceUnavailable, Message: err.Error()}
	}
	return nil
}

// refused takes note of who is turned away. What a page is told of that is fixed by the
// protocol, so only the log has the reason.
func (s *Server) refused(r *http.Request, err error) {
	switch {
	case errors.Is(err, engine.ErrTooManySessions):
		s.door.Refuse(gateway.LimitConnections)
	case errors.Is(err, engine.ErrForbidden):
		s.door.Deny(fmt.Sprintf("origin: pages of %.100q may not connect; --http-origin says which may", r.Header.Get("Origin")), r.RemoteAddr)
	}
}

// unfit says in the words of the door why an event is refused that package socket marks.
func (s *Server) unfit(err error) error {
	if errors.Is(err, engine.ErrTooLarge) {
		return fmt.Errorf("request: more than %d bytes", s.door.Limits().Size)
	}
	return errors.New("request: must be JSON, without bytes")
}

// connect lets a socket in.
func (s *Server) connect(socket *socket.Socket) error {
	c, err := s.caller(socket)
	if err != nil {
		return err
	}
	socket.OnOther(c.on)
	socket.OnDisconnect(c.gone)
	return nil
}

// caller is whom a socket belongs to, by its handshake.
func (s *Server) caller(connected *socket.Socket) (*caller, error) {
	query := connected.Handshake().Query
	c := &caller{
		server: s, socket: connected,
		realm:  cmp.Or(query.Get(fieldRealm), s.config.Realm),
		client: cmp.Or(query.Get(fieldClient), connected.ID()),
	}
	for name, text := range map[string]string{fieldRealm: c.realm, fieldClient: c.client} {
		most := schema.MaxClient
		if name == fieldRealm {
			most = schema.MaxRealm
		}
		if len(text) > most || !utf8.ValidString(text) {
			return nil, &socket.Refusal{Message: fmt.Sprintf("%s: must have at most %d bytes of UTF-8", name, most)}
		}
	}
	c.connection = s.door.Connect()
	if c.connection == nil || c.connection.Beyond() {
		if c.connection != nil {
			c.connection.Close()
		}
		return nil, &socket.Refusal{Message: fmt.Sprintf("connections: more than %d", s.door.Limits().Connections)}
	}
	return c, nil
}
