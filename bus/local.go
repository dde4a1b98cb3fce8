package bus

import (
	"strings"
	"sync"
)

// Local joins a Service and Callers of the same process: what such a Caller hands over
// (see Exchange.Hand) goes to the handlers of the Service without the server, and what the
// Service hands back by Answer comes so, too. Nothing of that is encoded. Give the same Local to both; the
// zero Local is usable, and nil joins nobody. Its methods may be called concurrently.
type Local struct {
	serving sync.RWMutex
	service *Service // nil: there is none

	mu      sync.RWMutex
	callers map[string]*Caller // by inbox
}

// enter has the requests of callers go to the service, instead of one that did before.
func (l *Local) enter(s *Service) {
	if l == nil {
		return
	}
	l.serving.Lock()
	defer l.serving.Unlock()
	l.service = s
}

// leave ends that: nothing is delivered to the service any more.
func (l *Local) leave(s *Service) {
	if l == nil {
		return
	}
	l.serving.Lock()
	defer l.serving.Unlock()
	if l.service == s {
		l.service = nil
	}
}

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

// deliver hands a request to the service, if there is one for its subject that has a
// connection and is not far behind: another may answer while this one can do nothing. It
// does not wait for the handler, which may be held up when the connection takes nothing.
func (l *Local) deliver(r *Request) bool {
	l.serving.RLock()
	defer l.serving.RUnlock()
	if l.service == nil || !l.service.connected.Load() {
		return false
	}
	for _, e := range l.service.endpoints {
		if matches(e.Subject, r.Subject) {
			r.endpoint = e
			return l.service.take(r)
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
