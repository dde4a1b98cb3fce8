package service

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// touch has the records of locks written anew, a few at a time. It returns nil if
// each stands at a new revision then, or is free: the leader has said so.
func (c *collector) touch(ctx context.Context, keys []string) error {
	refused, err := c.w.eachOf(ctx, keys, lock.Touch{}, c.pace.flight, func(*schema.Reply) {})
	if err != nil {
		return err
	}
	if refused != nil {
		return fmt.Errorf("touch %s: %s", refused.Status, refused.Message)
	}
	return nil
}

// eachOf has a command done to locks, so many at once, and returns when all that were
// begun have ended, or ctx. The first that is refused is told at once; after it no
// more are begun.
func (w *Worker) eachOf(ctx context.Context, keys []string, command lock.Command, flight int, told func(*schema.Reply)) (refused *schema.Reply, err error) {
	room := make(chan struct{}, flight)
	take := func() error {
		select {
		case room <- struct{}{}:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var failed atomic.Pointer[schema.Reply]
	for _, key := range keys {
		if err := take(); err != nil {
			return nil, err
		}
		if failed.Load() != nil {
			<-room
			break
		}
		w.submit(key, &job{
			command: command, asked: time.Now(), inner: true,
			caller: caller{report: func(r *schema.Reply) {
				if r.Status != schema.StatusOK && failed.CompareAndSwap(nil, r) {
					told(r)
				}
			}},
			ended: func() { <-room },
		})
	}
	for range flight { // until all have ended
		if err := take(); err != nil {
			return nil, err
		}
	}
	return failed.Load(), nil
}
