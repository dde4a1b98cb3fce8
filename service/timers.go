package service

import (
	"container/heap"
	"sync"
	"time"
)

// timed is what stands among the timers: an actor, or a session.
type timed interface{ place() *timer }

// timer is a place among the timers. Guarded by the timers' mutex.
type timer struct {
	at    time.Duration // instant of the service clock
	index int           // place in the heap plus one; 0: not there
}

// timers orders actors (or sessions) by the next instant at which something of theirs may be
// due. Each stands in it at most once, at that instant or earlier: when a
// lock is renewed or released its timer is left alone, and looked at in vain
// when it rings. So a busy lock does not touch the heap.
type timers struct {
	mu   sync.Mutex
	heap timerHeap
	wake chan struct{} // holds one when the earliest instant has changed
}

func newTimers() *timers {
	return &timers{wake: make(chan struct{}, 1)}
}

// Set makes a ring at the instant at, or earlier. 0 changes nothing.
func (t *timers) Set(a timed, at time.Duration) {
	if at == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	place := a.place()
	switch {
	case place.index == 0:
		place.at = at
		heap.Push(&t.heap, a)
	case at < place.at:
		place.at = at
		heap.Fix(&t.heap, place.index-1)
	default:
		return
	}
	if place.index == 1 {
		t.ring()
	}
}

// Drop takes a out.
func (t *timers) Drop(a timed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if i := a.place().index; i != 0 {
		heap.Remove(&t.heap, i-1)
	}
}

// Due removes and returns an actor whose instant is not after now, or nil.
func (t *timers) Due(now time.Duration) timed {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 || t.heap[0].place().at > now {
		return nil
	}
	return heap.Pop(&t.heap).(timed)
}

// Next is the earliest instant; ok is false if nothing is timed.
func (t *timers) Next() (at time.Duration, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return 0, false
	}
	return t.heap[0].place().at, true
}

func (t *timers) ring() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// timerHeap implements heap.Interface.
type timerHeap []timed

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].place().at < h[j].place().at }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place().index, h[j].place().index = i+1, j+1
}

func (h *timerHeap) Push(x any) {
	a := x.(timed)
	a.place().index = len(*h) + 1
	*h = append(*h, a)
}

func (h *timerHeap) Pop() any {
	old := *h
	a := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	a.place().index = 0
	return a
}
