package client

import (
	"container/heap"
	"time"
)

// maxCarried is how many chores are carried out at a time: what paces the
// renewal of many locks, and catching up after an outage.
const maxCarried = 64

// chore is something to be done in the background, once or again and again.
type chore interface {
	// when is its place in the keeper's order of time.
	when() *slot

	// dueLocked is called when its time has come. It must set another time or
	// drop the chore, and tells whether the chore is to be carried out now.
	dueLocked(now instant) bool

	// carry carries it out, in a goroutine of its own that it may block for a
	// while. It is not called again before it has returned.
	carry()
}

// slot is a chore's place in the keeper's order of time.
type slot struct {
	at    instant
	index int // in the heap + 1; 0 is not there
}

// keeper does the chores of a Client. One goroutine watches the time, and never
// blocks; few more come and go to carry out what is due. All of it is guarded
// by the Client's mutex.
type keeper struct {
	order chores  // by time
	ready []chore // due, in order, waiting to be carried out
	busy  int     // carried out now
	armed instant // when run will look by itself
	wake  chan struct{}
}

// setLocked puts a chore at its time.
func (c *Client) setLocked(ch chore, at instant) {
	s := ch.when()
	s.at = at
	if s.index == 0 {
		heap.Push(&c.keeper.order, ch)
	} else {
		heap.Fix(&c.keeper.order, s.index-1)
	}
	if at < c.keeper.armed {
		c.keeper.armed = at
		select {
		case c.keeper.wake <- struct{}{}:
		default:
		}
	}
}

// dropLocked takes a chore out. If it is carried out just now, that goes on.
func (c *Client) dropLocked(ch chore) {
	if s := ch.when(); s.index != 0 {
		heap.Remove(&c.keeper.order, s.index-1)
	}
}

// keep watches the time until the Client is closed.
func (c *Client) keep() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	lost, joined := c.caller.Disconnected(), c.caller.Reconnected()
	for {
		select {
		case <-timer.C:
		case <-c.keeper.wake:
		case <-lost:
		case <-joined:
		case <-c.stopped:
			return
		}
		lost, joined = c.link(lost, joined)
		timer.Reset(c.tidy())
	}
}

// link takes in what has become of the connection, and returns what tells of
// that from then on. A connection that was made anew was lost before.
func (c *Client) link(lost, joined <-chan struct{}) (nextLost, nextJoined <-chan struct{}) {
	back := isClosed(joined)
	if back {
		joined = c.caller.Reconnected()
	}
	away := isClosed(lost)
	if away {
		if lost = c.caller.Disconnected(); c.caller.Closed() {
			lost = nil // for good
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.presence; p != nil && (away || back) {
		if p.cutLocked(c.now()); back {
			c.setLocked(p, c.now())
			if p.open {
				p.survey.hurryLocked()
			}
		}
	}
	return lost, joined
}

// isClosed tells whether a channel on which nothing is sent is closed.
func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// tidy does what is due, and returns how long nothing will be.
func (c *Client) tidy() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, now := &c.keeper, c.now()
	for len(k.order) > 0 && k.order[0].when().at <= now {
		if ch := k.order[0]; ch.dueLocked(now) {
			k.ready = append(k.ready, ch)
		}
	}
	for k.busy < maxCarried && len(k.ready) > 0 {
		k.busy++
		first := c.nextLocked()
		c.work.Go(func() { c.carry(first) })
	}
	k.armed = never
	if len(k.order) > 0 {
		k.armed = k.order[0].when().at
	}
	return k.armed - now
}

// carry carries out a chore, and then what else is ready.
func (c *Client) carry(ch chore) {
	for ch != nil {
		ch.carry()
		c.mu.Lock()
		if ch = c.nextLocked(); ch == nil {
			c.keeper.busy--
		}
		c.mu.Unlock()
	}
}

// nextLocked takes the first chore that is ready, or returns nil.
func (c *Client) nextLocked() chore {
	k := &c.keeper
	if len(k.ready) == 0 {
		k.ready = nil
		return nil
	}
	ch := k.ready[0]
	k.ready[0] = nil
	k.ready = k.ready[1:]
	return ch
}

// chores is a heap of chores by time.
type chores []chore

func (h chores) Len() int           { return len(h) }
func (h chores) Less(i, j int) bool { return h[i].when().at < h[j].when().at }

func (h chores) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].when().index, h[j].when().index = i+1, j+1
}

// Push appends a chore, as container/heap wants it.
func (h *chores) Push(x any) {
	ch := x.(chore)
	*h = append(*h, ch)
	ch.when().index = len(*h)
}

// Pop removes the last chore, as container/heap wants it.
func (h *chores) Pop() any {
	last := len(*h) - 1
	ch := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	ch.when().index = 0
	return ch
}
