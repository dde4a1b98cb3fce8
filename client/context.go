package client

import "context"

// heldContext is a context that ends with the first of some locks, or with its
// parent. It does not rely on anybody's waking up in time: whoever asks it
// looks at the clock.
type heldContext struct {
	context.Context // ended by cancel
	cancel          context.CancelCauseFunc
	locks           []*Lock
}

func newHeldContext(parent context.Context, locks ...*Lock) *heldContext {
	ctx, cancel := context.WithCancelCause(parent)
	return &heldContext{Context: ctx, cancel: cancel, locks: locks}
}

// Done returns a channel that is closed when the context has ended.
func (h *heldContext) Done() <-chan struct{} {
	h.look()
	return h.Context.Done()
}

// Err returns nil while all locks are held.
func (h *heldContext) Err() error {
	h.look()
	return h.Context.Err()
}

func (h *heldContext) look() {
	for _, l := range h.locks {
		if err := l.Err(); err != nil {
			h.cancel(err)
			return
		}
	}
}
