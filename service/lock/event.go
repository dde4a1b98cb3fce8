package lock

import "github.com/natslock/natslock/schema"

// Event tells of one hold or waiter. The worker adds realm, name and times.
type Event struct {
	Type      schema.EventType
	Client    string
	Owner     string
	Session   string // of several the first
	Token     Token  // of a hold; 0 for waiters
	Mode      schema.Mode
	Reason    schema.Reason
	QueuedAt  int64 // Unix milliseconds; 0 if it did not wait, or only begins to
	GrantedAt int64 // Unix milliseconds; 0 for waiters
}

// ofHold reports whether the event is about a hold, so that it has a token.
func (e *Event) ofHold() bool {
	return e.Type != schema.EventQueued && e.Type != schema.EventCanceled
}

// event tells of a hold in this mode.
func (h *Hold) event(t schema.EventType, mode schema.Mode, reason schema.Reason) Event {
	e := Event{
		Type: t, Client: h.Client, Owner: h.Owner, Token: h.Token,
		Mode: mode, Reason: reason, GrantedAt: h.GrantedAt,
	}
	if len(h.Sessions) > 0 {
		e.Session = h.Sessions[0].ID
	}
	if h.Waited != nil {
		e.QueuedAt = h.Waited.QueuedAt
	}
	return e
}

// event tells of a waiter.
func (w *Waiter) event(t schema.EventType, reason schema.Reason) Event {
	e := Event{Type: t, Client: w.Client, Owner: w.Owner, Session: w.Session.ID, Mode: w.Mode, Reason: reason}
	if t != schema.EventQueued {
		e.QueuedAt = w.QueuedAt
	}
	return e
}
