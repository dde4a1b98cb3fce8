package client

import (
	"context"
	"slices"
)

// holding is a lock, or the presence by which locks are held.
type holding interface {
	// Err returns nil as long as it is held, by the clock, and why not after that.
	Err() error
}

// heldContext is a context that ends with the first of some holdings, or with its
// parent. It does not rely on anybody's waking up in time: whoever asks it
// looks at the clock.
type heldContext struct {
	context.Context // ended by cancel
	cancel          context.CancelCauseFunc
	holdings        []holding
}

func newHeldContext(parent context.Context, holdings ...holding) *heldContext {
	ctx, cancel := context.WithCancelCause(parent)
	return &heldContext{Context: ctx, cancel: cancel, holdings: holdings}
}

// Done returns a channel that is closed when the context has ended.
func (h *heldContext) Done() <-chan struct{} {
	h.look()
	return h.Context.Done()
}

// Err returns nil while all of them are held.
func (h *heldContext) Err() error {
	h.look()
	return h.Context.Err()
}

func (h *heldContext) look() {
	for _, l := range h.holdings {
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

// endsWith tells whether the context ends when one of the locks does.
func (h *heldContext) endsWith(locks []*Lock) bool {
	return slices.ContainsFunc(locks, func(l *Lock) bool {
		return slices.ContainsFunc(h.holdings, func(x holding) bool { return x == l || x == l.presence.Load() })
	})
}

// outlive returns ctx, or if it ends with one of the locks, one that does not.
func (c *Client) outlive(ctx context.Context, locks []*Lock) (context.Context, context.CancelFunc) {
	from := ctx
	for {
		h, ok := from.Value(heldKey{}).(*heldContext)
		if !ok {
			return ctx, func() {}
		}
		if h.endsWith(locks) {
			return context.WithTimeout(context.WithoutCancel(ctx), c.options.Timeout)
		}
		from = h.Context
	}
}
