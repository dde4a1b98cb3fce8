package service

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/natslock/natslock/bus"
)

// Bounds of the events that are on their way.
const (
	maxEvents   = 16_384 // that wait to be published; then the oldest are dropped
	eventFlight = 16     // that the server has not yet been through
	eventLate   = time.Minute
)

// announcer publishes events, in the order in which they happened, on a connection
// of its own: the server hands each to whoever listens before it reads what else
// came by that connection, and a caller can listen thousands of times. So events may
// be late, or lost, and nothing else is.
type announcer struct {
	nc      bus.EventConn
	log     *slog.Logger
	flights *flights
	dropped func()
	max     int // of the queue

	mu     sync.Mutex
	queue  []announcement
	first  int // of the queue that is still there
	wake   chan struct{}
	flight int // events since the server was last heard to have been through all
}

type announcement struct {
	subject string
	body    []byte
}

func newAnnouncer(nc bus.EventConn, log *slog.Logger, flights *flights, dropped func()) *announcer {
	return &announcer{nc: nc, log: log, flights: flights, dropped: dropped, max: maxEvents, wake: make(chan struct{}, 1)}
}

// push has an event published when it is its turn.
func (a *announcer) push(subject string, body []byte) {
	a.mu.Lock()
	if len(a.queue)-a.first >= a.max {
		a.popLocked()
		a.mu.Unlock()
		a.dropped()
		a.log.Warn("events happen faster than they can be told to all who listen: the oldest are dropped")
		a.mu.Lock()
	} else {
		a.flights.begin()
	}
	a.queue = append(a.queue, announcement{subject, body})
	a.mu.Unlock()
	select {
	case a.wake <- struct{}{}:
	default:
	}
}

// popLocked takes the oldest.
func (a *announcer) popLocked() announcement {
	e := a.queue[a.first]
	a.queue[a.first] = announcement{}
	a.first++
	if a.first*2 >= len(a.queue) {
		a.queue = append(a.queue[:0], a.queue[a.first:]...)
		a.first = 0
	}
	return e
}

func (a *announcer) pop() (e announcement, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.first == len(a.queue) {
		return e, false
	}
	return a.popLocked(), true
}

// run publishes until ctx ends.
func (a *announcer) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		}
		for ctx.Err() == nil {
			e, ok := a.pop()
			if !ok {
				break
			}
			a.publish(ctx, &e)
			a.flights.end()
		}
	}
}

// publish publishes one event. It waits now and then until the server has been through
// those before: what it has read already, nobody can drop any more.
func (a *announcer) publish(ctx context.Context, e *announcement) {
	err := bus.PublishEvent(a.nc, e.subject, e.body)
	if a.flight++; err == nil && a.flight >= eventFlight {
		a.flight = 0
		wait, cancel := context.WithTimeout(ctx, eventLate)
		defer cancel()
		err = a.nc.FlushWithContext(wait)
	}
	if err != nil && ctx.Err() == nil {
		a.dropped()
		a.log.Debug("event not sent", "subject", e.subject, "err", err)
	}
}
