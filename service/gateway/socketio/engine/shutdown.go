package engine

import (
	"context"
	"time"
)

// Shutdown ends the server: new sessions are refused, and those that there are
// close, in no order, over Config.DrainSpread. Their clients see a connection
// that was lost, and so they come back, to another server. It returns when
// nothing runs any more. When ctx ends before, what is left is cut off, and the
// error is that of ctx. It must not be called by a receiver.
func (s *Server) Shutdown(ctx context.Context) error {
	sessions := s.drain()
	s.closeSlowly(ctx, sessions)
	idle := make(chan struct{})
	go func() {
		defer close(idle)
		s.running.Wait()
	}()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
	}
	for _, session := range s.drain() {
		session.discard(ErrShutdown)
	}
	<-idle
	return ctx.Err()
}

// drain refuses new sessions from now on, and returns those that there are.
func (s *Server) drain() []*Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = true
	sessions := make([]*Session, 0, len(s.sessions))
	for _, session := range s.sessions {
		sessions = append(sessions, session)
	}
	return sessions
}

// closeSlowly closes sessions one by one. When ctx ends, it closes the others.
func (s *Server) closeSlowly(ctx context.Context, sessions []*Session) {
	if len(sessions) == 0 {
		return
	}
	pace := time.NewTicker(max(s.config.DrainSpread/time.Duration(len(sessions)), 1))
	defer pace.Stop()
	for i, session := range sessions {
		if i > 0 {
			select {
			case <-pace.C:
			case <-ctx.Done():
			}
		}
		session.Close(ErrShutdown)
	}
}
