package service

import (
	"context"
	"fmt"
	"time"

	"github.com/natslock/natslock/bus"
)

const (
	// maxLoads bounds the reads that are asked of the leader at once. Its queue
	// is long but not endless, and drops all it holds when it is full: a burst
	// of refusals, each of which needs a read, must not fill it.
	maxLoads = 64

	loadTimeout = 2 * time.Second
)

// load reads a key from the leader of the store, when it is its turn.
func (w *Worker) load(ctx context.Context, key string) (bus.Entry, error) {
	select {
	case w.loads <- struct{}{}:
	case <-ctx.Done():
		return bus.Entry{}, fmt.Errorf("%w: %w", bus.ErrUnavailable, ctx.Err())
	}
	defer func() { <-w.loads }()
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	e, err := w.store.Load(ctx, key)
	if err == nil {
		w.clock.Answered()
	}
	return e, err
}
