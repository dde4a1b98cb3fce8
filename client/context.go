package client

import (
	"context"
	"slices"
)

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

// heldKey is the key under which a context finds the heldContext that it comes from.
type heldKey struct{}

// Value returns the value of the parent, or the heldContext itself.
func (h *heldContext) Value(key any) any {
	if key == (heldKey{}) {
		return h
	}
	return h.Context.Value(key)
}

// outlive returns ctx, or if it ends with one of the locks, one that does not.
func (c *Client) outlive(ctx context.Context, locks []*Lock) (context.Context, context.CancelFunc) {
	from := ctx
	for {
		h, ok := from.Value(heldKey{}).(*heldContext)
		if !ok {
			return ctx, func() {}
		}
		if slices.ContainsFunc(h.locks, func(l *Lock) bool { return slices.Contains(locks, l) }) {
			return context.WithTimeout(context.WithoutCancel(ctx), c.options.Timeout)
		}
		from = h.Context
	}
}
