package client

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// LockSet is several locks that were taken together. Its methods may be called
// concurrently.
type LockSet struct {
	locks []*Lock

	mu      sync.Mutex
	context *heldContext
}

// Locks returns the locks, in the order in which they were asked for.
func (s *LockSet) Locks() []*Lock { return slices.Clone(s.locks) }

// Context returns a context that ends when the first of the locks is no longer
// held, with the same causes as that of a Lock.
func (s *LockSet) Context() context.Context {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.context == nil {
		holdings := make([]holding, len(s.locks))
		for i, l := range s.locks {
			holdings[i] = l
		}
		s.context = newHeldContext(context.Background(), holdings...)
		for _, l := range s.locks {
			context.AfterFunc(l.Context(), s.context.look)
		}
	}
	return s.context
}

// Release gives all the locks back with one request, as Lock.Release does one.
// When some of them were lost, the others are released, and the error is
// ErrLost and ErrNotHeld.
func (s *LockSet) Release(ctx context.Context) error {
	c := s.locks[0].c
	if err := c.enter(); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	defer c.leave()
	if err := c.release(ctx, s.locks); err != nil {
		return fmt.Errorf("release: %w", err)
	}
	return nil
}
