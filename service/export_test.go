package service

import (
	"context"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/lock"
)

// ConvoyWait is how long a keepalive waits for others, and ConvoyMost for how many.
const (
	ConvoyWait = convoyWait
	ConvoyMost = convoyMost
)

// Endpoints are those of the micro service.
func (w *Worker) Endpoints() []bus.Endpoint { return w.serviceConfig().Endpoints }

// Undecided is how many requests have been received and not decided.
func (w *Worker) Undecided() int64 { return w.flights.requests.Load() }

// InFlight is how many batches are on their way.
func (w *Worker) InFlight() int {
	w.flights.mu.Lock()
	defer w.flights.mu.Unlock()
	return w.flights.batches
}

// Ringing is for how many locks the timers have commands on their way.
func (w *Worker) Ringing() int { return len(w.due) }

// Queued is how many jobs are in the queues of all locks, and how many the
// queues believe are urgent.
func (w *Worker) Queued() (jobs, urgent int) {
	w.replica.each(func(a *actor) {
		jobs += len(a.queue)
		urgent += a.urgent
	})
	return jobs, urgent
}

// SetRoom bounds the presences and the leaves that are remembered to have left.
func (w *Worker) SetRoom(presences, left int) {
	w.sessions.mu.Lock()
	defer w.sessions.mu.Unlock()
	w.sessions.room.max, w.sessions.room.maxLeft = presences, left
}

// Room is how many sessions are known, and how much of their room is taken.
func (w *Worker) Room() (known, presences, left int) {
	t := w.sessions
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range t.known {
		if s.keeps() {
			known++
		}
	}
	return known, t.room.presences, t.room.left.Len()
}

// TakeAtOnce has something new stored as soon as there is room again. It is called before Run.
func (w *Worker) TakeAtOnce() { w.space.calm = 0 }

// KeepEvents bounds the events that wait to be published. It is called before Run.
func (w *Worker) KeepEvents(most int) { w.events.max = most }

// CollectFrom makes so much garbage worth while to collect. It is called before Run.
func (w *Worker) CollectFrom(least uint64) { w.collector.pace.least = least }

// CollectAtOnce takes the next step of a collection, without any delay.
func (w *Worker) CollectAtOnce(ctx context.Context) error {
	w.collector.pace.settle = 0
	return w.collector.step(ctx)
}

// Forget forgets what the records of free locks remember, as if their time were over.
func (w *Worker) Forget() {
	w.replica.each(func(a *actor) {
		if a.revision > 0 && a.record.Free() && !a.busy {
			w.forgot(a.revision)
			a.record, a.revision = lock.Record{}, 0
		}
	})
}

// SetWall gives the worker another wall clock, before anybody asks it for anything.
func (w *Worker) SetWall(wall func() time.Time) { w.wall = wall }
