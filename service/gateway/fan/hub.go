package fan

import (
	"context"
	"sync"
)

// Source tells put what happens at a key, from when it has called live, until ctx
// ends or it can tell no more.
type Source[T any] func(ctx context.Context, key string, live func(), put func(T)) error

// Hub has an Out for each key that somebody reads. Its methods may be called
// concurrently.
type Hub[T any] struct {
	kept    int
	source  Source[T]
	running sync.WaitGroup

	mu     sync.Mutex
	closed error
	feeds  map[string]*feed[T]
}

// NewHub makes a Hub that keeps so many of each key for those who are behind.
func NewHub[T any](kept int, source Source[T]) *Hub[T] {
	return &Hub[T]{kept: kept, source: source, feeds: map[string]*feed[T]{}}
}

// feed is what a source tells of one key.
type feed[T any] struct {
	*Out[T]
	readers int // guarded by the mutex of the hub
	begun   chan struct{}
	failed  error // why it was never live, once begun is closed
	end     context.CancelFunc
}

// Join returns a reader of a key when the source is live. It must be closed. Errors:
// the source's, if it does not come to that, and the cause of ctx.
func (h *Hub[T]) Join(ctx context.Context, key string) (*Reader[T], error) {
	f, err := h.enter(key)
	if err != nil {
		return nil, err
	}
	r := f.Out.Join(ctx)
	r.close = sync.OnceFunc(func() { h.leave(key, f) })
	select {
	case <-f.begun:
		err = f.failed
	case <-ctx.Done():
		err = context.Cause(ctx)
	}
	if err != nil {
		r.Close()
		return nil, err
	}
	return r, nil
}

// enter counts a reader of a key, and has the source begun for the first.
func (h *Hub[T]) enter(key string) (*feed[T], error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed != nil {
		return nil, h.closed
	}
	f := h.feeds[key]
	if f == nil {
		// The source is all readers', not the first one's.
		ctx, end := context.WithCancel(context.Background())
		f = &feed[T]{Out: NewOut[T](h.kept), begun: make(chan struct{}), end: end}
		h.feeds[key] = f
		h.running.Go(func() { h.run(ctx, key, f) })
	}
	f.readers++
	return f, nil
}

// leave counts a reader out, and ends the source with the last.
func (h *Hub[T]) leave(key string, f *feed[T]) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.readers--; f.readers == 0 {
		h.dropLocked(key, f)
	}
}

// dropLocked ends a source: who comes now begins another.
func (h *Hub[T]) dropLocked(key string, f *feed[T]) {
	f.end()
	if h.feeds[key] == f {
		delete(h.feeds, key)
	}
}

func (h *Hub[T]) run(ctx context.Context, key string, f *feed[T]) {
	var begin sync.Once
	err := h.source(ctx, key, func() { begin.Do(func() { close(f.begun) }) }, f.Put)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.closed != nil:
		err = h.closed
	case err == nil:
		err = context.Canceled // the last reader is gone
	}
	h.dropLocked(key, f)
	begin.Do(func() {
		f.failed = err
		close(f.begun)
	})
	f.End(err)
}

// Close ends all sources, and their readers with an error. No more can join.
func (h *Hub[T]) Close(why error) {
	h.mu.Lock()
	h.closed = why
	for key, f := range h.feeds {
		h.dropLocked(key, f)
	}
	h.mu.Unlock()
	h.running.Wait()
}
