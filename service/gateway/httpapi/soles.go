package httpapi

import (
	"sync"

	"github.com/natslock/natslock/service/gateway"
)

// maxSoles is how many grants are known.
const maxSoles = 4096

// soles are the requests of what was granted here lately, by token, that nobody sends
// again: the release of a hold has its own forgotten (see client.AcquireIn).
type soles struct {
	mu       sync.Mutex
	requests *gateway.Lately[string]
}

func newSoles() *soles { return &soles{requests: gateway.NewLately[string](maxSoles)} }

// keep takes note of one, in place of the oldest.
func (s *soles) keep(token uint64, request string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.Keep(token, request)
}

// take returns the one of a token, once, and "" if there is none.
func (s *soles) take(token uint64) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	request, _ := s.requests.Find(token)
	s.requests.Drop(token)
	return request
}
