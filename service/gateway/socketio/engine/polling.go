package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// serveGet answers a GET with packets, as soon as there are any.
func (s *Session) serveGet(w http.ResponseWriter, r *http.Request) error {
	var err error
	get := make(chan reply, 1)
	s.step(func(now time.Time) {
		if err = s.core.poll(now); err == nil {
			s.get = get
		}
	})
	if err != nil {
		return err
	}
	select {
	case answer := <-get:
		return s.reply(w, r, answer)
	case <-r.Context().Done():
		s.step(func(now time.Time) { s.abandon(now, get) })
		return nil
	}
}

// abandon is a GET whose client went away. What it was to be told is lost.
func (s *Session) abandon(now time.Time, get <-chan reply) {
	select {
	case answer := <-get:
		if answer.refused != nil {
			return
		}
	default:
	}
	s.core.lost(now, ErrTransport)
}

func (s *Session) reply(w http.ResponseWriter, r *http.Request, answer reply) error {
	if answer.refused != nil {
		return answer.refused
	}
	err := respond(w, s.server.config.WriteTimeout, payload(answer.packets))
	if err == nil && r.Context().Err() != nil {
		err = ErrTransport
	}
	if err != nil {
		s.discard(err)
	}
	return nil
}

// servePost takes the packets of a POST.
func (s *Session) servePost(w http.ResponseWriter, r *http.Request) error {
	var err error
	s.step(func(now time.Time) { err = s.core.post(now) })
	if err != nil {
		return err
	}
	defer s.step(func(time.Time) { s.core.posting = false })
	body, err := s.body(w, r)
	if err == nil {
		err = s.receive(parsePayload(body, s.server.config.MaxPayload))
	}
	switch {
	case errors.Is(err, ErrTooLarge):
		s.server.config.Oversized()
		s.Abort(err)
		return errBodyTooLarge
	case err != nil:
		s.Abort(err)
		return ErrBadRequest
	}
	if err := respond(w, s.server.config.WriteTimeout, []byte("ok")); err != nil {
		s.discard(err)
	}
	return nil
}

// body is the body of a request, which is read in time and for as long as the session
// lasts.
type body struct {
	io.Reader
	session *Session
	control *http.ResponseController
}

func (s *Session) body(w http.ResponseWriter, r *http.Request) (body, error) {
	b := body{
		Reader:  http.MaxBytesReader(w, r.Body, int64(s.server.config.MaxRead)),
		session: s, control: http.NewResponseController(w),
	}
	return b, deadline(b.control.SetReadDeadline, time.Now().Add(s.server.config.ReadTimeout))
}

// Read reads on. It is cut off only while it reads: what net/http reads behind the body
// must not be.
func (b body) Read(to []byte) (int, error) {
	ended := make(chan struct{})
	stop := context.AfterFunc(b.session.ctx, func() {
		defer close(ended)
		_ = deadline(b.control.SetReadDeadline, time.Now()) // else it takes until the timeout
	})
	n, err := b.Reader.Read(to)
	if !stop() {
		<-ended
	}
	if errors.Is(err, io.EOF) {
		if late := deadline(b.control.SetReadDeadline, time.Time{}); late != nil {
			return n, late
		}
	}
	return n, err
}

// deadline sets a deadline, where there is one to set.
func deadline(set func(time.Time) error, at time.Time) error {
	if err := set(at); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	return nil
}

// respond answers a request of polling, to a client that reads it in time.
func respond(w http.ResponseWriter, timeout time.Duration, text []byte) error {
	if err := deadline(http.NewResponseController(w).SetWriteDeadline, time.Now().Add(timeout)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := w.Write(text); err != nil {
		return fmt.Errorf("%w: %w", ErrTransport, err)
	}
	return nil
}
