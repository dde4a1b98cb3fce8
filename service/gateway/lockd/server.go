package lockd

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/service/gateway"
)

// Config says how a Server works. The zero Config is usable.
type Config struct {
	NoDump     bool // d, sd, dump and who are switched off
	NoRegistry bool // iam and who are switched off

	// Origins are the web sites whose pages may open a websocket, beside those of the
	// host that is called.
	Origins gateway.Origins

	// Patience is how long a client may take to read some of a reply. Default: 10 s.
	Patience time.Duration

	Logger *slog.Logger // Default: nothing is logged
}

// Server is the lockd door.
type Server struct {
	locks    Locks
	door     *gateway.Door
	config   Config
	registry *registry
	leaving  departures
	units    atomic.Uint64 // connections by unix sockets so far

	mu        sync.Mutex
	draining  bool
	listeners []interface{ Close() error }
	conns     map[*conn]struct{}
	serving   sync.WaitGroup // conns
}

// New makes the lockd door.
func New(locks Locks, door *gateway.Door, cfg Config) *Server {
	cfg.Patience = cmp.Or(cfg.Patience, 10*time.Second)
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Server{locks: locks, door: door, config: cfg, registry: newRegistry(), conns: map[*conn]struct{}{}}
}

// Serve answers lines on the connections of a listener, until Drain.
func (s *Server) Serve(l net.Listener) error {
	if !s.listen(l) {
		return l.Close()
	}
	counted := listener{l, s.door}
	for {
		c, err := counted.Accept()
		switch {
		case err == nil:
			go s.answer(c.(*gateway.Counted))
		case s.isDraining():
			return nil
		default:
			return fmt.Errorf("lockd: %w", err)
		}
	}
}

// answer serves one connection of lines.
func (s *Server) answer(c *gateway.Counted) {
	if c.Beyond() {
		p := patient{c, s.config.Patience}
		_ = say(&p, crowded) // it may not listen
		_ = c.Close()
		return
	}
	address := c.RemoteAddr().String()
	if c.LocalAddr().Network() == "unix" {
		address = "unix:" + strconv.FormatUint(s.units.Add(1), 10)
	}
	s.serve(newLines(c, s.config.Patience), address, c.Connection)
}

// serve serves one connection.
func (s *Server) serve(w wire, address string, limit *gateway.Connection) {
	c := newConn(s, w, address, limit)
	if !s.enter(c) {
		w.close(true)
		return
	}
	defer s.exit(c)
	c.serve()
}

// enter takes in a connection, unless the door is being closed.
func (s *Server) enter(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	s.conns[c] = struct{}{}
	s.serving.Add(1)
	s.registry.enter()
	return true
}

func (s *Server) exit(c *conn) {
	s.registry.exit(c)
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.serving.Done()
}

// listen has a listener, or a server on one, closed by Drain.
func (s *Server) listen(l interface{ Close() error }) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.draining {
		s.listeners = append(s.listeners, l)
	}
	return !s.draining
}

func (s *Server) isDraining() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.draining
}

// Drain takes no more connections, answers what was read from those that there are,
// and closes them; when ctx ends, whatever they are doing. What they hold is being
// released when it returns: nobody can come back to it.
func (s *Server) Drain(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	for _, l := range s.listeners {
		_ = l.Close() // it may have failed
	}
	for c := range s.conns {
		go c.drain()
	}
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, func() {
		s.config.Logger.Warn("lockd: not everything was answered in time")
		s.mu.Lock()
		defer s.mu.Unlock()
		for c := range s.conns {
			go c.cut()
		}
	})
	defer stop()
	s.serving.Wait()
}
