package bustest

import (
	"context"
	"slices"
	"time"

	"github.com/natslock/natslock/bus"
)

// watch is one call of Watch. Its fields belong to the store's mutex.
type watch struct {
	due  []dueEntry
	wake chan struct{}
}

type dueEntry struct {
	entry bus.Entry
	at    time.Time
}

// push lets the watch see an entry after the lag, and never what it replaces, if
// that was not seen yet.
func (w *watch) push(e bus.Entry, lag time.Duration) {
	w.due = slices.DeleteFunc(w.due, func(d dueEntry) bool { return d.entry.Key == e.Key })
	w.due = append(w.due, dueEntry{entry: e, at: time.Now().Add(lag)})
	w.nudge()
}

func (w *watch) nudge() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Watch implements bus.Store. It also returns when the store is closed.
func (m *Memory) Watch(ctx context.Context, seen func(bus.Entry), ready func()) error {
	w := &watch{wake: make(chan struct{}, 1)}
	m.mu.Lock()
	initial := m.entries()
	m.watches[w] = struct{}{}
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watches, w)
	}()
	for _, e := range initial {
		if ctx.Err() != nil {
			return nil
		}
		seen(clone(e))
	}
	ready()
	for ctx.Err() == nil {
		e, wait, ok := m.nextEntry(w)
		if ok && wait <= 0 {
			seen(clone(e))
			continue
		}
		if !m.pause(ctx, w, wait, ok) {
			return nil
		}
	}
	return nil
}

// nextEntry takes the next entry if it is due, or tells how long it is until then.
func (m *Memory) nextEntry(w *watch) (e bus.Entry, wait time.Duration, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(w.due) == 0 {
		return bus.Entry{}, 0, false
	}
	if wait := time.Until(w.due[0].at); wait > 0 {
		return bus.Entry{}, wait, true
	}
	e = w.due[0].entry
	w.due = w.due[1:]
	return e, 0, true
}

// pause waits until there may be something to see; false when there never will.
func (m *Memory) pause(ctx context.Context, w *watch, wait time.Duration, timed bool) bool {
	m.mu.Lock()
	closed := m.closed
	m.mu.Unlock()
	if closed {
		return false
	}
	var due <-chan time.Time
	if timed {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		due = timer.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-w.wake:
	case <-due:
	}
	return true
}
