package bus

import (
	"bytes"
	"errors"
	"sync"
	"sync/atomic"
)

// How writes are grouped. On one server, an atomic batch costs as much as about
// a dozen writes that each wait for the disk: docs/performance.md.
const (
	groupMin   = 16           // writes that a batch costs as much as: fewer are sent one by one
	groupRoom  = 2 * groupMin // on their way at once: two batches, one with the disk and one with the callers
	groupMax   = 500          // writes of a batch
	groupBytes = 4 << 20      // of the values of a batch
)

// Group is a Store that shares the cost of reaching the disk: while writes are
// on their way, others gather, and then go together as one atomic batch. It is
// for a store that syncs every write; elsewhere batches cost more than they
// save.
//
// Writes that have nothing to do with each other cannot harm each other: when a
// batch is refused, each of its writes is sent again by itself and has its own
// outcome. What is committed as several writes stays one batch of its own.
type Group struct {
	Store

	mu      sync.Mutex
	flying  int       // what is on its way: a batch counts as groupMin writes
	batches int       // of these
	waiting []passage // in order of arrival
}

// passage is one write that waits to be sent.
type passage struct {
	write Write
	done  func(revision uint64, err error)
}

// NewGroup groups the writes to a store.
func NewGroup(store Store) *Group { return &Group{Store: store} }

// Commit implements Store.
func (g *Group) Commit(writes []Write, done func(revision uint64, err error)) {
	if len(writes) != 1 {
		g.Store.Commit(writes, done)
		return
	}
	g.mu.Lock()
	if !g.hasRoomLocked() {
		w := writes[0]
		w.Value = bytes.Clone(w.Value)
		g.waiting = append(g.waiting, passage{w, done})
		g.mu.Unlock()
		return
	}
	g.flying++
	g.mu.Unlock()
	g.Store.Commit(writes, func(revision uint64, err error) {
		g.landed(1)
		done(revision, err)
	})
}

// hasRoomLocked reports whether a single write may go at once. Beside a batch
// none does: it would wait for the disk by itself.
func (g *Group) hasRoomLocked() bool { return g.batches == 0 && g.flying < groupRoom }

// landed ends a flight of so many and begins others. It comes before the outcome is
// told: the store has something to do while callers hear of it.
func (g *Group) landed(n int) {
	var next [][]passage
	g.mu.Lock()
	g.flying -= n
	if n > 1 {
		g.batches--
	}
	for {
		group := g.boardLocked()
		if group == nil {
			break
		}
		next = append(next, group)
	}
	g.mu.Unlock()
	for _, group := range next {
		g.send(group)
	}
}

// boardLocked takes who goes next: all, when they are worth a batch, or one; nil
// if nobody can.
func (g *Group) boardLocked() []passage {
	n, size := 0, 0
	for n < len(g.waiting) && n < groupMax && size < groupBytes {
		size += len(g.waiting[n].write.Value)
		n++
	}
	switch {
	case n >= groupMin:
		if g.flying+groupMin > groupRoom {
			return nil
		}
		g.flying += groupMin
		g.batches++
	case n > 0 && g.hasRoomLocked():
		n = 1
		g.flying++
	default:
		return nil
	}
	group := g.waiting[:n:n]
	if g.waiting = g.waiting[n:]; len(g.waiting) == 0 {
		g.waiting = nil
	}
	return group
}

// send is one flight.
func (g *Group) send(group []passage) {
	writes := make([]Write, len(group))
	for i := range group {
		writes[i] = group[i].write
	}
	g.Store.Commit(writes, func(last uint64, err error) {
		if len(group) > 1 && refused(err) {
			g.alone(group)
			return
		}
		g.landed(min(len(group), groupMin))
		for i, p := range group {
			if err != nil {
				p.done(0, err)
				continue
			}
			p.done(last-uint64(len(group)-1-i), nil)
		}
	})
}

// refused reports whether nothing was stored for a reason that may be that of
// one write only.
func refused(err error) bool {
	return errors.Is(err, ErrConflict) || errors.Is(err, ErrTooLarge) || errors.Is(err, ErrInvalidKey)
}

// alone sends each write of a refused batch by itself. The flight lands with
// the last of them.
func (g *Group) alone(group []passage) {
	var left atomic.Int64
	left.Store(int64(len(group)))
	for _, p := range group {
		g.Store.Commit([]Write{p.write}, func(revision uint64, err error) {
			if left.Add(-1) == 0 {
				g.landed(groupMin)
			}
			p.done(revision, err)
		})
	}
}
