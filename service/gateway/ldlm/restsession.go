package ldlm

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"net/netip"
	"time"

	"github.com/natslock/natslock/service/gateway"
)

// restSession is a session of REST.
type restSession struct {
	session
	cookie string
	peer   netip.Prefix
	limit  *gateway.Connection
	turn   chan struct{} // has something in it while a call is answered

	// Those of its sessions:
	busy    int // calls that are answered or wait for their turn
	expires time.Time
	timer   *time.Timer
}

// take waits for the session's turn, until ctx ends.
func (s *restSession) take(ctx context.Context) bool {
	select {
	case s.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// give ends the turn.
func (s *restSession) give() { <-s.turn }

// create begins a session.
func (r *REST) create(request *http.Request) answer {
	limit := r.sessions.door.Connect()
	if limit == nil {
		return failure(errSessions)
	}
	if limit.Beyond() {
		limit.Close()
		return failure(errSessions)
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	s := &restSession{
		session: session{server: r.server, address: request.RemoteAddr},
		cookie:  hex.EncodeToString(id[:]), peer: peerOf(request.RemoteAddr), limit: limit, turn: make(chan struct{}, 1),
	}
	s.lost = func() { r.sessions.remove(s) } // its client is told by the next call
	if err := r.sessions.add(s); err != nil {
		limit.Close()
		return failure(failed(request.Context(), err))
	}
	a := textual(http.StatusCreated, `{"session_id": "`+s.cookie+`"}`)
	a.cookie = r.show(s)
	return a
}

// show is the cookie of a session, which lasts for as long as it lives without a call.
func (r *REST) show(s *restSession) *http.Cookie {
	return &http.Cookie{Name: sessionCookie, Value: s.cookie, Path: "/", Expires: time.Now().Add(r.sessions.idle)}
}

// destroy ends a session, after the call that is being answered.
func (r *REST) destroy(request *http.Request) answer {
	shown, err := request.Cookie(sessionCookie)
	if err != nil {
		return textual(http.StatusInternalServerError, `{"error":"`+err.Error()+`"}`)
	}
	s := r.sessions.at(shown.Value)
	if s == nil || !r.sessions.remove(s) {
		return textual(http.StatusConflict, `{"error": "session not found"}`)
	}
	if s.take(request.Context()) {
		defer s.give()
	}
	s.end()
	a := textual(http.StatusOK, `{"session_id": ""}`)
	a.cookie = &http.Cookie{Name: sessionCookie, Path: "/", MaxAge: -1}
	return a
}
