package locker

import (
	"context"
	"time"

	"github.com/natslock/natslock/client"
)

// stint is a context for one request to the service after another, in the same parent: to
// make one for each, with its timer, costs as much as to decide. The zero stint is usable.
type stint struct {
	parent context.Context
	ctx    context.Context
	end    context.CancelFunc
	until  time.Time // it is given to requests
}

// of returns a context that ends after the longest that a request may take, or after half
// as long, with the cause client.ErrHandedOver; and with its parent.
func (s *stint) of(parent context.Context, longest time.Duration) context.Context {
	now := time.Now()
	if s.parent == parent && now.Before(s.until) && s.ctx.Err() == nil {
		return s.ctx
	}
	s.stop()
	s.ctx, s.end = context.WithTimeoutCause(parent, longest, client.ErrHandedOver)
	s.parent, s.until = parent, now.Add(longest/2)
	return s.ctx
}

// stop ends it, and gives its timer back.
func (s *stint) stop() {
	if s.end != nil {
		s.end()
	}
}
