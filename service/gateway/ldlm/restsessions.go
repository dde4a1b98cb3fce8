package ldlm

import (
	"sync"
	"time"

	"github.com/natslock/natslock/service/gateway"
)

// sessions are those of REST that live.
type sessions struct {
	door *gateway.Door // counts them
	idle time.Duration // after which they end

	mu      sync.Mutex
	open    map[string]*restSession // by their cookies
	shares  shares                  // of their peers
	closed  bool
	leaving sync.WaitGroup
}

// add begins a session, unless all have ended or its peer has too many.
func (ss *sessions) add(s *restSession) error {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if ss.closed {
		return gateway.ErrDraining
	}
	if !ss.shares.take(s.peer) {
		ss.door.Refuse(gateway.LimitSessions)
		return errShare
	}
	if ss.open == nil {
		ss.open = map[string]*restSession{}
	}
	ss.open[s.cookie] = s
	s.expires = time.Now().Add(ss.idle)
	s.timer = time.AfterFunc(ss.idle, func() { ss.expire(s) })
	return nil
}

// at returns the session of a cookie; nil is none.
func (ss *sessions) at(cookie string) *restSession {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.open[cookie]
}

// begin begins a call of the session of a cookie, which does not expire before the call
// is finished. Nil is none.
func (ss *sessions) begin(cookie string) *restSession {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s := ss.open[cookie]
	if s != nil {
		s.busy++
		s.timer.Stop()
	}
	return s
}

// finish ends a call of a session.
func (ss *sessions) finish(s *restSession) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	s.busy--
	if s.busy == 0 && ss.open[s.cookie] == s {
		s.expires = time.Now().Add(ss.idle)
		s.timer.Reset(ss.idle)
	}
}

// remove has a session forgotten, and returns whether it was there.
func (ss *sessions) remove(s *restSession) bool {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	return ss.removeLocked(s)
}

func (ss *sessions) removeLocked(s *restSession) bool {
	if ss.open[s.cookie] != s {
		return false
	}
	delete(ss.open, s.cookie)
	ss.shares.give(s.peer)
	s.timer.Stop()
	s.limit.Close()
	return true
}

// expire ends a session whose time is over.
func (ss *sessions) expire(s *restSession) {
	ss.mu.Lock()
	defer ss.mu.Unlock()
	if s.busy > 0 || time.Now().Before(s.expires) {
		return // a call has come before
	}
	if ss.removeLocked(s) {
		s.server.config.Logger.Debug("ldlm: rest: a session was idle for too long", "addr", s.address)
		ss.leaving.Go(s.end)
	}
}

// close ends all sessions, and returns when that is on its way.
func (ss *sessions) close() {
	ss.mu.Lock()
	ss.closed = true
	for _, s := range ss.open {
		ss.removeLocked(s)
		ss.leaving.Go(s.end)
	}
	ss.mu.Unlock()
	ss.leaving.Wait()
}
