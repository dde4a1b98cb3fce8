package bus

import (
	"strings"
	"sync"
)

// Local joins a Service and Callers of the same process: what such a Caller hands over
// (see Exchange.Hand) goes to the handlers of the Service directly, and the answers to all
// that it asks come directly. Nothing is encoded then. Give the same Local to both; the
// zero Local is usable, and nil joins nobody. Its methods may be called concurrently.
type Local struct {
	serving   sync.RWMutex // held for reading while a handler runs
	endpoints []*endpoint

	mu      sync.RWMutex
	callers map[string]*Caller // by inbox
}

// enter has the requests of callers go to the endpoints.
func (l *Local) enter(endpoints []*endpoint) {
	if l == nil {
		return
	}
	l.serving.Lock()
	defer l.serving.Unlock()
	l.endpoints = endpoints
}

// leave ends that. When it returns, so have the handlers.
func (l *Local) leave() { l.enter(nil) }

// join has the answers to the caller go to it.
func (l *Local) join(c *Caller) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.callers == nil {
		l.callers = map[string]*Caller{}
	}
	l.callers[c.inbox] = c
}

// part ends that.
func (l *Local) part(c *Caller) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.callers, c.inbox)
}

// deliver hands a request to the service, if there is one for its subject.
func (l *Local) deliver(r *Request) bool {
	if l == nil {
		return false
	}
	l.serving.RLock()
	defer l.serving.RUnlock()
	for _, e := range l.endpoints {
		if matches(e.Subject, r.Subject) {
			r.endpoint = e
			e.handle(r)
			return true
		}
	}
	return false
}

// Answer hands a message to the Caller whose inbox it is, if that is a Caller of this
// process. Otherwise it returns false, and Respond is the way; that finds nobody listening
// if it was a Caller that is closed by now.
func (l *Local) Answer(inbox string, message any) bool {
	if l == nil {
		return false
	}
	id := strings.LastIndexByte(inbox, '.') + 1
	l.mu.RLock()
	c := l.callers[inbox[:id]]
	l.mu.RUnlock()
	if c == nil {
		return false
	}
	c.answer(inbox[id:], &Answer{Given: message})
	return true
}

// matches reports whether a subject is of a pattern, whose tokens may be the wildcard *.
func matches(pattern, subject string) bool {
	for {
		p, morePattern := cutToken(&pattern)
		s, moreSubject := cutToken(&subject)
		if p != s && (p != "*" || s == "") {
			return false
		}
		if !morePattern || !moreSubject {
			return morePattern == moreSubject
		}
	}
}

// cutToken takes the first token off a subject.
func cutToken(subject *string) (token string, more bool) {
	token, *subject, more = strings.Cut(*subject, ".")
	return token, more
}
