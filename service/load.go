package service

import (
	"context"
	"fmt"
	"sync/atomic"
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

// loads are the reads of the store that are on their way or wait for their turn.
type loads struct {
	turn     chan struct{}
	answered atomic.Uint64 // how many have been, so far
}

func newLoads() *loads { return &loads{turn: make(chan struct{}, maxLoads)} }

// wait waits for a turn: as long as it takes while the store answers others,
// and no longer than a caller is kept when it answers nobody.
func (l *loads) wait(ctx context.Context) error {
	select {
	case l.turn <- struct{}{}:
		return nil
	default:
	}
	look := time.NewTicker(patience)
	defer look.Stop()
	for {
		answered := l.answered.Load()
		select {
		case l.turn <- struct{}{}:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", bus.ErrUnavailable, ctx.Err())
		case <-look.C:
			if l.answered.Load() == answered {
				return fmt.Errorf("%w: none of %d reads was answered within %s", bus.ErrUnavailable, maxLoads, patience)
			}
		}
	}
}

// load reads a key from the leader of the store, when it is its turn.
func (k *keeper) load(ctx context.Context, key string) (bus.Entry, error) {
	if err := k.loads.wait(ctx); err != nil {
		return bus.Entry{}, err
	}
	defer func() { <-k.loads.turn }()
	ctx, cancel := context.WithTimeout(ctx, loadTimeout)
	defer cancel()
	e, err := k.store.Load(ctx, key)
	if err == nil {
		k.loads.answered.Add(1)
		k.answered()
	}
	return e, err
}
