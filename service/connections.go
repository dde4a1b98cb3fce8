package service

import (
	"time"

	"github.com/natslock/natslock/service/presence"
)

// connection is a client's connection to a NATS server, as both know it.
type connection struct {
	server string
	id     uint64
}

// maxClosings bounds the closed connections that are remembered, for keepalives
// that come after the news.
const maxClosings = 1 << 14

// closings are the connections that were closed last, and when.
type closings struct {
	at    map[connection]time.Duration
	order []connection // a ring, once it is full
	next  int
}

// add remembers that c was closed at an instant, and forgets the oldest.
func (l *closings) add(c connection, at time.Duration) {
	if l.at == nil {
		l.at = make(map[connection]time.Duration)
	}
	if _, ok := l.at[c]; ok {
		return
	}
	if len(l.order) < maxClosings {
		l.order = append(l.order, c)
	} else {
		delete(l.at, l.order[l.next])
		l.order[l.next] = c
		l.next = (l.next + 1) % maxClosings
	}
	l.at[c] = at
}

// connectionOf is the connection that a session lives on; ok if it told one.
func connectionOf(r *presence.Record) (c connection, ok bool) {
	return connection{r.Server, r.CID}, r.State == presence.Open && r.Server != ""
}

// connectLocked notes s under its connection. If that is known to be closed, the
// keepalive that told it was sent before.
func (t *sessions) connectLocked(s *session) {
	c, ok := connectionOf(&s.record)
	if !ok {
		return
	}
	if t.byConn[c] == nil {
		t.byConn[c] = make(map[*session]struct{})
	}
	t.byConn[c][s] = struct{}{}
	if at, closed := t.closed.at[c]; closed && s.record.Told {
		s.cut = max(at, 1)
	}
}

func (t *sessions) disconnectLocked(s *session) {
	c, ok := connectionOf(&s.record)
	if !ok {
		return
	}
	delete(t.byConn[c], s)
	if len(t.byConn[c]) == 0 {
		delete(t.byConn, c)
	}
}

// ConnectionClosed tells the worker that a client's connection to the NATS
// server with that id was closed: the reconnect grace of the sessions on it
// begins. It may be called at any time, and from anywhere.
func (w *Worker) ConnectionClosed(server string, id uint64) {
	t := w.sessions
	c := connection{server, id}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := max(t.clock.Now(), 1)
	t.closed.add(c, now)
	for s := range t.byConn[c] {
		if s.cut == 0 {
			s.cut = now
			t.timers.Set(s, s.deadline(0))
		}
	}
}
