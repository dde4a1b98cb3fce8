package lockd

import (
	"context"
	"slices"
	"sync"
)

// departures are the locks of connections that have ended, as long as their release
// is on its way: whoever asks for one of them, mostly the same client by its next
// connection, is answered when that is done.
type departures struct {
	mu  sync.Mutex
	all map[lockKey][]chan struct{}
}

// begin takes note of what a connection held. The release is done, or takes too long
// to wait for, when done is called.
func (d *departures) begin(held [2]map[string]uint64) (done func()) {
	released := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.all == nil {
		d.all = map[lockKey][]chan struct{}{}
	}
	for k, names := range held {
		for name := range names {
			key := lockKey{Kind(k), name}
			d.all[key] = append(d.all[key], released)
		}
	}
	return func() {
		close(released)
		d.end(held, released)
	}
}

func (d *departures) end(held [2]map[string]uint64, released chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for k, names := range held {
		for name := range names {
			key := lockKey{Kind(k), name}
			d.all[key] = slices.DeleteFunc(d.all[key], func(c chan struct{}) bool { return c == released })
			if len(d.all[key]) == 0 {
				delete(d.all, key)
			}
		}
	}
}

// await waits for the releases of a lock that are on their way now, and tells whether
// there were any.
func (d *departures) await(ctx context.Context, k Kind, name string) bool {
	d.mu.Lock()
	released := slices.Clone(d.all[lockKey{k, name}])
	d.mu.Unlock()
	return awaitAll(ctx, released)
}

// awaitKind does so for all locks of a kind.
func (d *departures) awaitKind(ctx context.Context, k Kind) {
	var released []chan struct{}
	d.mu.Lock()
	for key, some := range d.all {
		if key.kind == k {
			released = append(released, some...)
		}
	}
	d.mu.Unlock()
	awaitAll(ctx, released)
}

func awaitAll(ctx context.Context, released []chan struct{}) bool {
	for _, done := range released {
		select {
		case <-done:
		case <-ctx.Done():
		}
	}
	return len(released) > 0
}
