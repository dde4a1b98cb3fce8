package main

import (
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// absence counts for how long a connection is away.
type absence struct {
	mu    sync.Mutex
	since time.Time // zero: the connection is there
	total time.Duration

	stop func()
}

// countAbsence counts from now on.
func countAbsence(nc *nats.Conn) *absence {
	changes := nc.StatusChanged(nats.DISCONNECTED, nats.RECONNECTING, nats.CONNECTED)
	a := new(absence)
	var counting sync.WaitGroup
	counting.Go(func() {
		for status := range changes {
			a.change(status == nats.CONNECTED, time.Now())
		}
	})
	a.stop = func() {
		nc.RemoveStatusListener(changes)
		counting.Wait()
	}
	return a
}

// change notes whether the connection is there.
func (a *absence) change(there bool, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case there && !a.since.IsZero():
		a.total += now.Sub(a.since)
		a.since = time.Time{}
	case !there && a.since.IsZero():
		a.since = now
	}
}

// until is for how long it was away.
func (a *absence) until(now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.since.IsZero() {
		return a.total
	}
	return a.total + now.Sub(a.since)
}
