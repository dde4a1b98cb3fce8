package httpapi

import "sync"

// maxSoles is how many grants are known.
const maxSoles = 4096

// soles are the requests of what was granted here lately, by token, that nobody sends
// again: the release of a hold has its own forgotten (see client.AcquireIn). The zero
// soles is usable.
type soles struct {
	mu       sync.Mutex
	requests map[uint64]string
	tokens   [maxSoles]uint64 // of them, in a ring
	next     int
}

// keep takes note of one, in place of the oldest.
func (s *soles) keep(token uint64, request string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.requests == nil {
		s.requests = map[uint64]string{}
	}
	delete(s.requests, s.tokens[s.next])
	s.tokens[s.next], s.requests[token] = token, request
	s.next = (s.next + 1) % maxSoles
}

// take returns the one of a token, once, and "" if there is none.
func (s *soles) take(token uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	request := s.requests[token]
	delete(s.requests, token)
	return request
}
