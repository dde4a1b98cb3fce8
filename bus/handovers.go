package bus

import (
	"errors"
	"sync"
	"time"
)

// ErrNotYet is the answer, one that decides nothing, to what was handed over and has had
// none for a moment: at least Prompt, at most twice as long. So most who hand over
// wait for one thing only, which costs less than to wait for what else may happen, too.
var ErrNotYet = errors.New("no answer yet")

// Prompt is when most answers are there to what was handed over.
const Prompt = 20 * time.Millisecond

// handovers are the exchanges that may have had no answer yet. One timer watches
// them all. The zero handovers is usable.
type handovers struct {
	mu         sync.Mutex
	young, old []*Exchange
	timer      *time.Timer
	ticks      bool // the timer is on
	closed     bool
	looks      sync.WaitGroup // of the timer
}

// add has an exchange be told later, if it has had no answer then.
func (h *handovers) add(e *Exchange) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		e.notYet()
		return
	}
	h.young = append(h.young, e)
	if !h.ticks {
		h.tickLocked()
	}
}

// tickLocked has the timer look once more.
func (h *handovers) tickLocked() {
	h.ticks = true
	h.looks.Add(1)
	if h.timer == nil {
		h.timer = time.AfterFunc(Prompt, h.look)
		return
	}
	h.timer.Reset(Prompt)
}

// look tells those that were there when it looked the last time.
func (h *handovers) look() {
	defer h.looks.Done()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	for _, e := range h.old {
		e.notYet()
	}
	clear(h.old)
	h.old, h.young = h.young, h.old[:0]
	if h.ticks = len(h.old) > 0; h.ticks {
		h.tickLocked()
	}
}

// close tells all.
func (h *handovers) close() {
	defer h.looks.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	if h.ticks && h.timer.Stop() {
		h.looks.Done() // it looks no more
	}
	for _, e := range append(h.old, h.young...) {
		e.notYet()
	}
	h.ticks, h.old, h.young = false, nil, nil
}
