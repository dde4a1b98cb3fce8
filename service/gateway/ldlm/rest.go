package ldlm

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/status"

	"github.com/natslock/natslock/service/gateway"
)

// RESTConfig says how a REST works. The zero RESTConfig is usable.
type RESTConfig struct {
	Idle time.Duration // after which a session ends. Default: 10 min
	TLS  *tls.Config   // nil is none

	// Origins are the web sites whose pages may call, beside those of the host that is
	// called. On loopback their names are served, too.
	Origins gateway.Origins
}

// What a caller of REST may take for, and how long a connection or a session may be
// idle.
const (
	headerTimeout = 10 * time.Second
	bodyTimeout   = 10 * time.Second
	writeTimeout  = 10 * time.Second
	idleTimeout   = 2 * time.Minute
	defaultIdle   = 10 * time.Minute
)

// How callers show their session, and where it begins and ends.
const (
	sessionCookie = "ldlm-session"
	sessionPath   = "/session"
)

// REST is a door to the calls of a Server over HTTP, without waiting: its callers have
// sessions, which they show by a cookie.
type REST struct {
	server   *Server
	door     *gateway.Door
	sessions sessions
	origins  gateway.Origins
	http     *http.Server
}

// NewREST makes the door by which HTTP reaches a Server. One gateway.Door counts its
// connections, the other, a SessionDoor, its sessions.
func NewREST(s *Server, connections, sessions *gateway.Door, cfg RESTConfig) *REST {
	r := &REST{server: s, door: connections, origins: cfg.Origins}
	r.sessions.door, r.sessions.idle = sessions, cmp.Or(cfg.Idle, defaultIdle)
	r.sessions.shares.most = share(sessions.Limits().Connections)
	r.http = &http.Server{
		Handler:           r,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         cfg.TLS,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: connections.Limits().Requests + 1}, // one more, to be told
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, limitOf(c))
		},
	}
	return r
}

// Serve answers calls on the connections of a listener, until Drain.
func (r *REST) Serve(l net.Listener) error {
	l = restListener{l, r.door}
	serve := r.http.Serve
	if r.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return r.http.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("ldlm: rest: %w", err)
	}
	return nil
}

// Drain takes no more connections, answers the calls that there are, and closes the
// connections; when ctx ends, whatever they are doing. Then the sessions end: nobody
// can come back to them.
func (r *REST) Drain(ctx context.Context) {
	if err := r.http.Shutdown(ctx); err != nil {
		r.server.config.Logger.Warn("ldlm: rest: not everything was answered in time", "err", err)
	}
	_ = r.http.Close() // what is left; the listener is closed already
	r.sessions.close()
}

// ServeHTTP answers a request.
func (r *REST) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	control := http.NewResponseController(w)
	if err := control.SetReadDeadline(time.Now().Add(bodyTimeout)); err != nil {
		panic(http.ErrAbortHandler)
	}
	a := r.answer(w, request)
	w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	if a.cookie != nil {
		http.SetCookie(w, a.cookie)
	}
	err := control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		w.WriteHeader(a.code)
		_, err = w.Write(a.body)
	}
	if err = errors.Join(err, control.Flush()); err != nil && a.undelivered != nil {
		a.undelivered()
	}
}

// answer decides what a request is answered.
func (r *REST) answer(w http.ResponseWriter, request *http.Request) answer {
	limit := request.Context().Value(connKey{}).(*gateway.Connection)
	if limit.Beyond() {
		return failure(errCrowded).with("Connection", "close")
	}
	end := limit.Request()
	if end == nil {
		return failure(errRequests)
	}
	defer end()
	if err := r.foreign(request); err != nil {
		r.door.Deny(status.Convert(err).Message(), request.RemoteAddr)
		return failure(err)
	}
	if !r.authenticated(request) {
		return answer{code: http.StatusUnauthorized}.with("WWW-Authenticate", `Basic realm="Restricted"`)
	}
	if err := open(r.server.gateway); err != nil {
		return failure(err).with("Connection", "close")
	}
	switch {
	case request.URL.Path == sessionPath && request.Method == http.MethodPost:
		return r.create(request)
	case request.URL.Path == sessionPath && request.Method == http.MethodDelete:
		return r.destroy(request)
	}
	return r.call(w, request)
}

// authenticated compares the password, in a time that tells nothing of it. The user
// may have any name.
func (r *REST) authenticated(request *http.Request) bool {
	if r.server.config.Password == "" {
		return true
	}
	_, password, given := request.BasicAuth()
	sum := sha256.Sum256([]byte(password))
	return subtle.ConstantTimeCompare(sum[:], r.server.password[:]) == 1 && given
}

// restListener counts the connections that it accepts.
type restListener struct {
	net.Listener
	door *gateway.Door
}

// Accept returns the next connection that is let in.
func (l restListener) Accept() (net.Conn, error) {
	c, err := l.door.Accept(l.Listener)
	if err != nil {
		return nil, err // and not a connection that is nil
	}
	return c, nil
}

// limitOf is that of a connection that the listener has accepted.
func limitOf(c net.Conn) *gateway.Connection {
	if secure, ok := c.(*tls.Conn); ok {
		c = secure.NetConn()
	}
	return c.(*gateway.Counted).Connection
}
