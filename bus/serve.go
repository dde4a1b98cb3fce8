package bus

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"github.com/nats-io/nuid"
)

// What is kept of requests that come faster than they are handled, for each
// endpoint. From the first bounds on they are Behind, so that the handler answers
// them without more ado; what passes the second is lost, which is logged.
const (
	behindRequests  = 20_000
	behindBytes     = 4 << 20
	pendingRequests = 32_768
	pendingBytes    = 8 << 20

	handlers  = 4   // that requests which were handed over have
	maxHanded = 256 // wait for them

	pendingQuestions     = 1000 // about the service, of one kind
	pendingQuestionBytes = 1 << 20
)

// flushTimeout bounds the round trip to the server when a service starts and stops.
const flushTimeout = 5 * time.Second

// Request is one request as it came. Its strings and Body are its own: the
// handler may keep them.
type Request struct {
	Subject     string
	Reply       string // "" if nobody waits for an answer; see SafeInbox
	ContentType string
	Body        []byte
	Given       any       // instead of these two: the request as a Caller of this process has it (see Local)
	Came        time.Time // when the handler was given it
	// Behind tells that requests come faster than the handler is: it should
	// refuse this one at once.
	Behind   bool
	endpoint *endpoint
}

// CountError counts an error of the endpoint for "nats micro stats". It may be
// called later than the handler, and by anybody.
func (r *Request) CountError(text string) {
	if r.endpoint != nil {
		r.endpoint.countError(text)
	}
}

// Endpoint is a subject, which may have wildcards, and who handles its requests.
type Endpoint struct {
	Name    string // for "nats micro": letters, digits, _ and -
	Subject string
	// Handler gets the requests of this endpoint one at a time, but some of a Local beside
	// them. It answers by Respond, then or later, and must not block.
	Handler func(*Request)
}

// ServiceConfig describes a NATS micro service.
type ServiceConfig struct {
	Name        string // letters, digits, _ and -
	Version     string // semantic
	Description string
	Queue       string // each request goes to one service of the queue. Default: "q"
	Endpoints   []Endpoint
	Local       *Local // whose callers hand it requests without the server; nil: nobody
}

// Service receives requests until Stop.
type Service struct {
	nc        *nats.Conn
	identity  micro.ServiceIdentity
	cfg       ServiceConfig
	started   time.Time
	endpoints []*endpoint
	about     []*nats.Subscription // of questions about the service

	// Of a service that has a Local:
	connected atomic.Bool // as far as is known
	status    chan nats.Status
	handed    chan *Request  // by its callers
	work      sync.WaitGroup // follow, and those who handle what was handed over
	stop      sync.Once
	err       error
}

// endpoint is an Endpoint at work.
type endpoint struct {
	Endpoint
	sub      *nats.Subscription
	requests atomic.Int64
	nanos    atomic.Int64 // in the handler
	errors   atomic.Int64
	last     atomic.Pointer[string] // error
}

var (
	serviceName    = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	serviceVersion = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$`)
)

// Serve starts to receive the requests of all endpoints, and answers the
// questions of "nats micro" about the service. When it returns, the server
// knows of it.
//
// It is a micro service by protocol, not by the library of that name, because
// the library answers at whatever reply subject it is given: a question with a
// key of the store as its reply subject would overwrite that key.
func Serve(nc *nats.Conn, cfg ServiceConfig) (*Service, error) {
	if cfg.Queue == "" {
		cfg.Queue = micro.DefaultQueueGroup
	}
	if !serviceName.MatchString(cfg.Name) {
		return nil, fmt.Errorf("service name %q: letters, digits, _ and -", cfg.Name)
	}
	if !serviceVersion.MatchString(cfg.Version) {
		return nil, fmt.Errorf("service version %q is not a semantic one", cfg.Version)
	}
	s := &Service{
		nc:       nc,
		cfg:      cfg,
		identity: micro.ServiceIdentity{Name: cfg.Name, ID: nuid.Next(), Version: cfg.Version, Metadata: map[string]string{}},
		started:  time.Now().UTC(),
	}
	if err := s.start(); err != nil {
		return nil, errors.Join(fmt.Errorf("serve %s: %w", cfg.Name, err), s.Stop())
	}
	return s, nil
}

func (s *Service) start() error {
	for _, e := range s.cfg.Endpoints {
		if !serviceName.MatchString(e.Name) {
			return fmt.Errorf("endpoint name %q: letters, digits, _ and -", e.Name)
		}
		at := &endpoint{Endpoint: e}
		sub, err := s.nc.QueueSubscribe(e.Subject, s.cfg.Queue, at.receive)
		if err != nil {
			return fmt.Errorf("endpoint %s: %w", e.Name, err)
		}
		if err := sub.SetPendingLimits(pendingRequests, pendingBytes); err != nil {
			return fmt.Errorf("endpoint %s: %w", e.Name, err)
		}
		at.sub = sub
		s.endpoints = append(s.endpoints, at)
	}
	if err := s.answerQuestions(); err != nil {
		return err
	}
	if err := s.nc.FlushTimeout(flushTimeout); err != nil {
		return unreachable(err)
	}
	if s.cfg.Local != nil {
		s.status = s.nc.StatusChanged(nats.CONNECTED, nats.RECONNECTING, nats.DISCONNECTED, nats.CLOSED)
		s.connected.Store(s.nc.IsConnected())
		s.work.Go(s.follow)
		s.handed = make(chan *Request, maxHanded)
		for range handlers {
			s.work.Go(s.handle)
		}
		s.cfg.Local.enter(s)
	}
	return nil
}

// take has a request handled that was handed over, unless so many are to be already.
func (s *Service) take(r *Request) bool {
	select {
	case s.handed <- r:
		return true
	default:
		return false
	}
}

// handle handles what was handed over, until there will be no more.
func (s *Service) handle() {
	for r := range s.handed {
		r.endpoint.handle(r)
	}
}

// follow takes note of whether there is a connection: to ask it would be to wait while it
// dials.
func (s *Service) follow() {
	for status := range s.status {
		s.connected.Store(status == nats.CONNECTED)
	}
}

// receive hands one request to the handler.
func (e *endpoint) receive(m *nats.Msg) {
	r := Request{Subject: m.Subject, Reply: m.Reply, Body: m.Data, endpoint: e}
	if len(m.Header) > 0 {
		r.ContentType = m.Header.Get(headerContentType)
	}
	if requests, bytes, err := m.Sub.Pending(); err == nil {
		r.Behind = requests >= behindRequests || bytes >= behindBytes
	}
	e.handle(&r)
}

// handle hands one request to the handler, and counts it.
func (e *endpoint) handle(r *Request) {
	r.Came = time.Now()
	e.Handler(r)
	e.requests.Add(1)
	e.nanos.Add(int64(time.Since(r.Came)))
}

func (e *endpoint) countError(text string) {
	e.errors.Add(1)
	e.last.Store(&text)
}

// Stop takes no more requests and returns when the handlers of those that were
// received have returned; what it has not received goes to the others of the
// queue. Stopping twice, or without a connection, is no error.
func (s *Service) Stop() error {
	s.stop.Do(func() { s.err = s.drain() })
	return s.err
}

func (s *Service) drain() error {
	s.cfg.Local.leave(s)
	if s.status != nil {
		s.nc.RemoveStatusListener(s.status)
		close(s.handed) // nobody is left who hands over
		s.work.Wait()
	}
	var errs []error
	for _, sub := range s.about {
		errs = append(errs, gone(sub.Unsubscribe()))
	}
	for _, e := range s.endpoints {
		errs = append(errs, gone(e.sub.Drain()))
	}
	if s.nc.IsConnected() {
		// What the server had sent before it took note comes before the answer
		// to this. An error means that there is no connection, and no request.
		_ = s.nc.FlushTimeout(flushTimeout)
	}
	handled := make(chan struct{})
	if err := s.nc.Barrier(func() { close(handled) }); err == nil {
		<-handled
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("stop service: %w", err)
	}
	return nil
}

// gone takes away the errors that say that there is nothing to unsubscribe from.
func gone(err error) error {
	if errors.Is(err, nats.ErrConnectionClosed) || errors.Is(err, nats.ErrBadSubscription) || errors.Is(err, nats.ErrConnectionDraining) {
		return nil
	}
	return err
}
