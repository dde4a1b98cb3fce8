package lockd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/service/gateway"
)

// What the request for a websocket may take.
const (
	headerTimeout = 10 * time.Second
	maxHeader     = 16 << 10
)

// connKey is the key of a request's connection in its context.
type connKey struct{}

// ServeWebsockets answers frames on the connections of a listener, until Drain.
func (s *Server) ServeWebsockets(l net.Listener) error {
	server := &http.Server{
		Handler:           http.HandlerFunc(s.upgrade),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       headerTimeout,
		WriteTimeout:      headerTimeout,
		MaxHeaderBytes:    maxHeader,
		ErrorLog:          slog.NewLogLogger(s.config.Logger.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	if !s.listen(server) {
		return l.Close()
	}
	if err := server.Serve(listener{l, s.door}); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("lockd websockets: %w", err)
	}
	return nil
}

// upgrade makes a websocket of a request and serves it.
func (s *Server) upgrade(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "close") // unless it becomes a websocket
	conn := r.Context().Value(connKey{}).(*gateway.Counted)
	switch {
	case r.URL.Path != "/":
		http.NotFound(w, r)
		return
	case conn.Beyond():
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	if why := s.unwelcome(r); why != "" {
		s.door.Deny(why, r.RemoteAddr)
		http.Error(w, why, http.StatusForbidden)
		return
	}
	c, err := websocket.Accept(lean{w}, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // who asked was told
	}
	// Elsewhere, so that nothing is left here of the request.
	go s.serve(newFrames(c, conn, s.config.Patience), r.RemoteAddr, conn.Connection)
}

// unwelcome is why a request may be of a page of a site that may not call here.
func (s *Server) unwelcome(r *http.Request) string {
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !s.config.Origins.Serve(local, r.Host) {
		return fmt.Sprintf("host: %.100q is not known here, where localhost is served; --lockd-ws-origin http://… or https://… makes a name known", r.Host)
	}
	origin := r.Header.Get("Origin")
	if origin == "" || isProgram(origin, r.Host) {
		return ""
	}
	if ok, _ := s.config.Origins.Admit(origin, r.Host); !ok {
		return fmt.Sprintf("origin: pages of %.100q may not call; --lockd-ws-origin says which may", origin)
	}
	return ""
}

// isProgram tells whether an origin is none that a browser sends, which has no path.
// Programs that were made to send one name the host that they call, mostly without its
// port and with a slash at the end.
func isProgram(origin, host string) bool {
	site, err := url.Parse(origin)
	return err == nil && site.Path != "" && strings.EqualFold(site.Hostname(), (&url.URL{Host: host}).Hostname())
}
