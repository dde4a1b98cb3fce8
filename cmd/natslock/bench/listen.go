package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// events counts events of a type as they come.
type events struct {
	sub *nats.Subscription

	mu    sync.Mutex
	count int
	last  time.Time
	more  chan struct{} // holds one when there are more
}

// listen counts events of the benchmark's realm from now on.
func listen(nc *nats.Conn, t schema.EventType) (*events, error) {
	e := &events{more: make(chan struct{}, 1)}
	sub, err := nc.Subscribe(schema.EventSubject(Realm, t), func(*nats.Msg) { e.one(time.Now()) })
	if err != nil {
		return nil, fmt.Errorf("subscribe to events: %w", err)
	}
	if err := sub.SetPendingLimits(-1, -1); err != nil {
		return nil, fmt.Errorf("subscribe to events: %w", err)
	}
	e.sub = sub
	return e, nc.Flush()
}

// one counts one more.
func (e *events) one(at time.Time) {
	e.mu.Lock()
	e.count, e.last = e.count+1, at
	e.mu.Unlock()
	select {
	case e.more <- struct{}{}:
	default:
	}
}

// so far: how many, and when the last one came.
func (e *events) soFar() (count int, last time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.count, e.last
}

// reach waits until there were n.
func (e *events) reach(ctx context.Context, n int) error {
	for {
		count, _ := e.soFar()
		if count >= n {
			return nil
		}
		select {
		case <-e.more:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d: %w", count, n, context.Cause(ctx))
		}
	}
}

func (e *events) close() error { return e.sub.Unsubscribe() }
