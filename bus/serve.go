package bus

import (
	"errors"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
)

// Request is one request as it came. Its strings and Body are its own: the
// handler may keep them.
type Request struct {
	Subject     string
	Reply       string // "" if nobody waits for an answer; see SafeInbox
	ContentType string
	Body        []byte
}

// Endpoint is a subject, which may have wildcards, and who handles its requests.
type Endpoint struct {
	Name    string // for "nats micro": letters, digits, _ and -
	Subject string
	// Handler gets the requests of this endpoint one at a time. It answers
	// by Respond, then or later, and must not block.
	Handler func(*Request)
}

// ServiceConfig describes a NATS micro service.
type ServiceConfig struct {
	Name        string // letters, digits, _ and -
	Version     string // semantic
	Description string
	Queue       string // each request goes to one service of the queue. Default: "q"
	Endpoints   []Endpoint
}

// Service receives requests until Stop.
type Service struct {
	nc    *nats.Conn
	micro micro.Service
	stop  sync.Once
	err   error
}

// Serve starts to receive the requests of all endpoints, and answers those of
// "nats micro" about the service itself. When it returns, the server knows of it.
// The numbers of errors and times that "nats micro stats" shows are those of the
// handlers, not of answers that are given later.
func Serve(nc *nats.Conn, cfg ServiceConfig) (*Service, error) {
	m, err := micro.AddService(nc, micro.Config{
		Name: cfg.Name, Version: cfg.Version, Description: cfg.Description, QueueGroup: cfg.Queue,
	})
	if err != nil {
		return nil, fmt.Errorf("serve %s: %w", cfg.Name, err)
	}
	s := &Service{nc: nc, micro: m}
	for _, e := range cfg.Endpoints {
		handle := e.Handler
		err = m.AddEndpoint(e.Name, micro.HandlerFunc(func(r micro.Request) {
			handle(&Request{
				Subject:     r.Subject(),
				Reply:       r.Reply(),
				ContentType: r.Headers().Get(headerContentType),
				Body:        r.Data(),
			})
		}), micro.WithEndpointSubject(e.Subject))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("serve %s: endpoint %s: %w", cfg.Name, e.Name, err), s.Stop())
		}
	}
	if err := nc.Flush(); err != nil {
		return nil, errors.Join(fmt.Errorf("serve %s: %w", cfg.Name, unreachable(err)), s.Stop())
	}
	return s, nil
}

// Stop takes no more requests and returns when the handlers of those that were
// received have returned. What it left in the queue goes to other services. Stopping twice is
// no error, nor is stopping when the connection is gone.
func (s *Service) Stop() error {
	s.stop.Do(func() { s.err = s.drain() })
	return s.err
}

func (s *Service) drain() error {
	if err := s.micro.Stop(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("stop service: %w", err)
	}
	// What the server had sent before it took note has arrived after the flush.
	if err := s.nc.Flush(); err != nil {
		return nil // the connection is gone, and with it the requests
	}
	handled := make(chan struct{})
	if err := s.nc.Barrier(func() { close(handled) }); err != nil {
		return nil // the same
	}
	<-handled
	return nil
}
