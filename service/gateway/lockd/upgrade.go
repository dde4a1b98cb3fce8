package lockd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coder/websocket"
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
	conn := r.Context().Value(connKey{}).(*countedConn)
	switch {
	case r.URL.Path != "/":
		http.NotFound(w, r)
		return
	case conn.limit.Beyond():
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	case !s.welcome(r):
		http.Error(w, "not for pages of this site", http.StatusForbidden)
		return
	}
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true, CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		return // who asked was told
	}
	s.serve(newFrames(c, conn, s.config.Patience), r.RemoteAddr, conn.limit)
}

// welcome tells whether a request may come from the site that it names. Only
// browsers have to name one, and it is that of the page; others name what they like,
// mostly the host that they call, with or without its port.
func (s *Server) welcome(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(s.config.Origins, "*") || slices.Contains(s.config.Origins, origin) {
		return true
	}
	site, err := url.Parse(origin)
	return err == nil && strings.EqualFold(site.Hostname(), (&url.URL{Host: r.Host}).Hostname())
}
