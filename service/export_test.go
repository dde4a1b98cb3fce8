package service

import "github.com/natslock/natslock/bus"

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
	return len(t.known), t.room.presences, t.room.left.Len()
}
