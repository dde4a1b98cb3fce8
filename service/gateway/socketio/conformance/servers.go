package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
	"github.com/natslock/natslock/service/gateway/socketio/socket"
)

// settings are those that the suites rely on.
type settings struct {
	pingInterval, pingTimeout, connectTimeout time.Duration
}

// servers are one for each suite.
type servers struct {
	engine *engine.Server
	socket *socket.Server
}

func newServers(of settings) (*servers, error) {
	config := engine.Config{
		Origins:      []string{"*"},
		PingInterval: of.pingInterval,
		PingTimeout:  of.pingTimeout,
		MaxPayload:   1_000_000,
		DrainSpread:  100 * time.Millisecond,
	}
	upper, err := socket.New(socket.Config{
		Engine:         config,
		Namespaces:     map[string]socket.Connect{"/": echo, "/custom": echo, "/clients": clients},
		ConnectTimeout: of.connectTimeout,
		MaxAttachments: 16,
	})
	if err != nil {
		return nil, err
	}
	config.Accept = func(s *engine.Session) engine.Receiver { return receiver{s} }
	lower, err := engine.New(config)
	return &servers{engine: lower, socket: upper}, err
}

func (s *servers) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/engine.io/", s.engine)
	mux.Handle("/socket.io/", s.socket)
	return mux
}

func (s *servers) shutdown(ctx context.Context) error {
	return errors.Join(s.engine.Shutdown(ctx), s.socket.Shutdown(ctx))
}

// receiver echoes messages.
type receiver struct{ session *engine.Session }

func (r receiver) Message(m engine.Message) {
	if err := r.session.Send(m); err != nil {
		r.session.Abort(err)
	}
}

func (r receiver) Closed(error) {}

// echo is a namespace that echoes events, and first what the client authenticates
// with.
func echo(s *socket.Socket) error {
	s.On("message", func(e *socket.Event) { must(s, s.Emit("message-back", arguments(e.Data)...)) })
	s.On("message-with-ack", func(e *socket.Event) { must(s, e.Ack(arguments(e.Data)...)) })
	return s.Emit("auth", s.Auth())
}

// clients is a namespace in which the server acts as the client says.
func clients(s *socket.Socket) error {
	s.On("kick", func(*socket.Event) {
		must(s, s.Emit("kicked"))
		s.Disconnect()
	})
	s.On("ask", func(e *socket.Event) {
		must(s, s.Go(func(ctx context.Context) {
			answer, err := s.EmitAck(ctx, "question", arguments(e.Data)...)
			if err == nil {
				err = s.Emit("answer", arguments(answer)...)
			}
			must(s, err)
		}))
	})
	s.On("count", func(e *socket.Event) {
		var to int
		if err := e.Decode(0, &to); err != nil {
			must(s, err)
			return
		}
		must(s, s.Go(func(context.Context) {
			for i := range to {
				must(s, s.Emit("number", i))
			}
		}))
	})
	s.On("handshake", func(e *socket.Event) {
		must(s, e.Ack(s.ID(), s.Handshake().Query.Get("realm"), s.Auth()))
	})
	return nil
}

// arguments are those of an event or an acknowledgement, to be sent back.
func arguments(d socket.Data) []any {
	args := make([]any, len(d.Args))
	for i, arg := range d.Args {
		args[i] = arg
		if bytes, ok := d.Binary(i); ok {
			args[i] = bytes
		}
	}
	return args
}

// must ends a socket that cannot be answered.
func must(s *socket.Socket, err error) {
	if err != nil {
		s.Disconnect()
	}
}
