package service

import "sync"

// crew is the goroutines of a worker.
type crew struct {
	mu   sync.Mutex
	at   sync.WaitGroup
	home bool
}

// spawn runs f in a goroutine that dismiss waits for, or not at all after that has begun:
// a store may tell of a write when the worker has ended.
func (c *crew) spawn(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.home {
		c.at.Go(f)
	}
}

// dismiss waits for all goroutines that there are. None begins any more.
func (c *crew) dismiss() {
	c.mu.Lock()
	c.home = true
	c.mu.Unlock()
	c.at.Wait()
}
