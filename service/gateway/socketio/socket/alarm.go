package socket

import (
	"sync"
	"time"
)

// alarm calls a function unless it is stopped in time. While it is set it counts
// as running.
type alarm struct {
	ring    func()
	running *sync.WaitGroup
	timer   *time.Timer
}

// set sets the alarm, from now on.
func (a *alarm) set(after time.Duration) {
	a.stop()
	a.running.Add(1)
	a.timer = time.AfterFunc(after, func() {
		defer a.running.Done()
		a.ring()
	})
}

func (a *alarm) stop() {
	if a.timer != nil && a.timer.Stop() {
		a.running.Done()
	}
	a.timer = nil
}
