package lockd

import (
	"context"
	"errors"
	"fmt"
)

// holder is what a connection holds, by its session, which begins with the first lock
// that is asked for. Whoever answers the connection's commands uses it.
type holder struct {
	c       *conn
	session Session
	held    [2]map[string]uint64 // tokens by name, of each kind
}

// acquire takes a lock, and returns how many hold it, or 0 if others do or nobody has
// decided it. The error is ErrLost.
func (h *holder) acquire(ctx context.Context, k Kind, name string) (int, error) {
	if err := h.open(ctx); err != nil {
		h.failed(err)
		return 0, nil
	}
	leaving := &h.c.server.leaving
	leaving.await(ctx, k, name)
	grant, err := h.session.Acquire(ctx, k, name)
	if errors.Is(err, ErrHeld) && leaving.await(ctx, k, name) { // by one that was seen to end meanwhile
		grant, err = h.session.Acquire(ctx, k, name)
	}
	switch {
	case err == nil:
		h.add(k, name, grant.Token)
		return max(grant.Count, 1), nil
	case errors.Is(err, ErrHeld):
		h.drop(k, name) // if it was held, that was ended by force
		return 0, nil
	case errors.Is(err, ErrLost):
		return 0, err
	}
	h.failed(err)
	return 0, nil
}

// failed takes note that a lock could not be had and nobody knows whether others have it.
func (h *holder) failed(err error) {
	h.c.server.config.Logger.Debug("lockd: a lock was asked for in vain", "address", h.c.address, "err", err)
}

// release ends a hold, and tells whether there was one. What the connection does
// not hold it need not ask for.
func (h *holder) release(ctx context.Context, k Kind, name string) (bool, error) {
	token, held := h.held[k][name]
	if !held {
		return false, nil
	}
	err := h.session.Release(ctx, k, name, token)
	if err != nil && !errors.Is(err, ErrNotHeld) {
		return false, fmt.Errorf("release: %w", err)
	}
	h.drop(k, name)
	return err == nil, nil
}

// open begins the session, if there is none.
func (h *holder) open(ctx context.Context) (err error) {
	if h.session != nil {
		return nil
	}
	if h.session, err = h.c.server.locks.Open(ctx, h.c.address, h.c.cut); err != nil {
		return fmt.Errorf("open a session: %w", err)
	}
	h.c.server.registry.seat(h.session.ID(), h.c)
	return nil
}

// leave releases all that is held.
func (h *holder) leave() {
	r := h.c.server.registry
	for k, held := range h.held {
		r.orphan(Kind(k), held)
	}
	if h.session == nil {
		return
	}
	done := h.c.server.leaving.begin(h.held)
	h.session.Leave()
	done()
	r.unseat(h.session.ID())
}

func (h *holder) add(k Kind, name string, token uint64) {
	if h.held[k] == nil {
		h.held[k] = map[string]uint64{}
	}
	if _, again := h.held[k][name]; !again {
		h.c.server.registry.hold(k, name)
	}
	h.held[k][name] = token
}

func (h *holder) drop(k Kind, name string) {
	if _, held := h.held[k][name]; held {
		delete(h.held[k], name)
		h.c.server.registry.free(k, name)
	}
}
