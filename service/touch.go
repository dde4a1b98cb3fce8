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
	room := make(chan struct{}, c.pace.flight)
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
			return err
		}
		if failed.Load() != nil {
			break
		}
		c.w.submit(key, &job{
			command: lock.Touch{}, asked: time.Now(), inner: true,
			caller: caller{report: func(r *schema.Reply) {
				if r.Status != schema.StatusOK {
					failed.Store(r)
				}
			}},
			ended: func() { <-room },
		})
	}
	for range c.pace.flight { // until all have ended
		if err := take(); err != nil {
			return err
		}
	}
	if r := failed.Load(); r != nil {
		return fmt.Errorf("touch %s: %s", r.Status, r.Message)
	}
	return nil
}
