package bus

import (
	"context"
	"fmt"
)

// scanRate bounds what a scan takes of the store, in bits per second: some 25,000
// small records. Without a bound the server sends as fast as it can, and a
// hundred thousand records keep everybody else waiting for half a second.
const scanRate = 50_000_000

// Scan implements Store.
func (b *Bucket) Scan(ctx context.Context, seen func(Entry) error) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var refused error
	ready := false
	err := b.watch(ctx, scanRate, func(e Entry) {
		if refused == nil && ctx.Err() == nil {
			if refused = seen(e); refused != nil {
				end(nil)
			}
		}
	}, func() {
		ready = true
		end(nil)
	})
	switch {
	case refused != nil:
		return refused
	case err != nil || ready:
		return err
	}
	return fmt.Errorf("scan: %w: %w", ErrUnavailable, context.Cause(ctx))
}
