package service

import (
	"sync"
	"sync/atomic"
)

// maxRequests bounds the requests that are decoded but not yet decided. Waiters
// are not among them: they are in the store.
const maxRequests = 20_000

// flights counts what is on its way.
type flights struct {
	requests atomic.Int64

	mu      sync.Mutex
	batches int
	zero    chan struct{} // closed when batches is 0; nil until somebody waits
}

func (f *flights) begin() {
	f.mu.Lock()
	f.batches++
	f.mu.Unlock()
}

func (f *flights) end() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.batches--
	if f.batches == 0 && f.zero != nil {
		close(f.zero)
		f.zero = nil
	}
}

// landed returns a channel that is closed when no batch is on its way.
func (f *flights) landed() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	zero := make(chan struct{})
	if f.batches == 0 {
		close(zero)
	} else {
		f.zero = zero
	}
	return zero
}

// admit counts one more request, unless there are too many.
func (f *flights) admit() bool {
	if f.requests.Add(1) <= maxRequests {
		return true
	}
	f.requests.Add(-1)
	return false
}

// decided counts one request less.
func (f *flights) decided() { f.requests.Add(-1) }
