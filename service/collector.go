package service

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// pace is how garbage is collected.
type pace struct {
	every  time.Duration // a look, more or less
	settle time.Duration // see floor; also what a store may take to sync, and longer than ended attempts are remembered
	least  uint64        // garbage that is not worth the trouble
	flight int           // touches on their way at once

	// While the store is nearly full.
	fullEvery time.Duration
	fullLeast uint64
	fullShare uint64 // garbage of one part in so many of what is in use is worth the trouble
}

var usualPace = pace{
	every: 10 * time.Minute, settle: floorSettle, least: 5000, flight: 16,
	fullEvery: time.Minute, fullLeast: 50, fullShare: 10,
}

// collector drops the records of locks that nobody uses, in steps that are minutes
// apart. What one worker has begun, any other may go on with.
//
//  1. There is more garbage than records in use. A revision is chosen, the next
//     floor: all garbage is below it. Whatever in use is below it is written anew,
//     by a touch, and then the next floor is written down.
//  2. Nothing in use is below it any more, and what was written anew has been on
//     disk for long. It becomes the floor: see there.
//  3. Every worker knows the floor. What is below it is purged.
type collector struct {
	w    *Worker
	pace pace
	told bool // that it does not work
	wake chan struct{}
}

func newCollector(w *Worker) *collector {
	c := &collector{w: w, pace: usualPace, wake: make(chan struct{}, 1)}
	c.pace.settle = max(c.pace.settle, 2*w.config.Sync)
	return c
}

// run looks now and then, until ctx ends. Workers look at different times.
func (c *collector) run(ctx context.Context) {
	for c.rest(ctx) {
		c.look(ctx)
	}
}

// rest waits until it is time to look, and reports whether ctx goes on.
func (c *collector) rest(ctx context.Context) bool {
	every := c.pace.every
	if c.w.space.isScarce() {
		every = c.pace.fullEvery
	}
	timer := time.NewTimer(every*3/4 + rand.N(every/2))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.wake:
	case <-ctx.Done():
		return false
	}
	return true
}

// hurry has it look at once.
func (c *collector) hurry() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// worthwhile reports whether there is so much garbage that it is dropped.
func (c *collector) worthwhile(garbage, used uint64) bool {
	if c.w.space.isScarce() {
		return garbage > max(used/c.pace.fullShare, c.pace.fullLeast)
	}
	return garbage > max(used, c.pace.least)
}

// pause waits for d, and reports whether ctx goes on.
func (c *collector) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// look takes one step, if it is time.
func (c *collector) look(ctx context.Context) {
	err := c.step(ctx)
	switch {
	case err == nil:
		c.told = false
		return
	case ctx.Err() != nil:
		return
	case errors.Is(err, bus.ErrConflict):
		c.w.log.Debug("another worker collects", "err", err)
		return
	}
	c.w.meter.uncollected.Inc()
	if c.told || errors.Is(err, bus.ErrUnavailable) || errors.Is(err, bus.ErrUnknown) {
		c.w.log.Debug("cannot drop unused records", "err", err)
		return
	}
	c.told = true
	c.w.log.Warn("cannot drop the records of locks that nobody uses: the bucket grows", "err", err)
}

func (c *collector) step(ctx context.Context) error {
	if err := c.w.floor.refresh(ctx); err != nil {
		return err
	}
	extent, err := c.w.floor.Extent(ctx)
	if err != nil {
		return err
	}
	used := c.used()
	garbage := extent.Keys - min(used, extent.Keys)
	c.w.meter.records.Set(float64(extent.Keys))
	c.w.meter.garbage.Set(float64(garbage))
	r, revision, age := c.w.floor.last()
	purged := extent.First >= r.Floor
	switch {
	case (r.Next > r.Floor || !purged) && age < c.pace.settle:
		return nil
	case r.Next > r.Floor:
		return c.raise(ctx, r, revision)
	case !purged:
		return c.purge(ctx, r.Floor, extent)
	case c.worthwhile(garbage, used) && c.w.forgotten.Load() >= r.Floor:
		r.Next = c.w.forgotten.Load() + 1
		return c.clear(ctx, r, revision)
	}
	return nil
}

// used is how many records are known here: of locks in use, or remembered.
func (c *collector) used() (n uint64) {
	c.w.replica.each(func(a *actor) {
		if a.revision > 0 {
			n++
		}
	})
	return n
}

// clear has everything in use written anew that is below the next floor, and then
// writes that down.
func (c *collector) clear(ctx context.Context, r floorRecord, revision uint64) error {
	keys, err := c.below(ctx, r.Next)
	if err == nil {
		err = c.touch(ctx, keys)
	}
	if err == nil {
		err = c.w.floor.set(ctx, r, revision)
	}
	return err
}

// raise makes the next floor the floor, if nothing in use is below it.
func (c *collector) raise(ctx context.Context, r floorRecord, revision uint64) error {
	keys, err := c.below(ctx, r.Next)
	if err != nil {
		return err
	}
	if len(keys) > 0 { // a crash has taken what was written anew
		if err := c.touch(ctx, keys); err != nil {
			return err
		}
		return c.w.floor.set(ctx, r, revision)
	}
	r.Floor = r.Next
	return c.w.floor.set(ctx, r, revision)
}

// How a purge is spread.
const (
	purgeLeast  = 10_000 // revisions
	purgeSlices = 100
	purgePause  = 50 * time.Millisecond
)

func (c *collector) purge(ctx context.Context, floor uint64, before bus.Extent) error {
	// A little at a time: nobody else gets at the bucket meanwhile.
	slice := max(purgeLeast, (floor-before.First)/purgeSlices)
	for below := before.First; below < floor; {
		below = min(below+slice, floor)
		if err := c.w.floor.Purge(ctx, below); err != nil {
			return err
		}
		if !c.pause(ctx, purgePause) {
			return ctx.Err()
		}
	}
	after, err := c.w.floor.Extent(ctx)
	if err != nil {
		return err
	}
	c.w.meter.collected.SetToCurrentTime()
	c.w.meter.records.Set(float64(after.Keys))
	c.w.meter.garbage.Set(float64(after.Keys - min(c.used(), after.Keys)))
	c.w.log.Info("dropped the records of locks that nobody uses", "records_before", before.Keys, "records", after.Keys)
	return nil
}

// below lists the locks in use whose records are below a revision, as the store
// has them: the watch may be behind. What cannot be read is an error: it is not
// known to be garbage.
func (c *collector) below(ctx context.Context, revision uint64) (keys []string, err error) {
	last := uint64(0)
	err = c.w.floor.Scan(ctx, func(e bus.Entry) error {
		last = max(last, e.Revision)
		if e.Key == floorKey || e.Revision >= revision {
			return nil
		}
		if err := c.w.floor.insist(ctx); err != nil {
			return err
		}
		if _, _, err := schema.ParseLockKey(e.Key); err != nil {
			return fmt.Errorf("key %.200q: not a lock's: %w", e.Key, err)
		}
		record, err := decode(c.w.floor.judge(e))
		if err != nil {
			return fmt.Errorf("the record at key %.200q: %w", e.Key, err)
		}
		if !record.Free() {
			keys = append(keys, e.Key)
		}
		return nil
	})
	if err == nil && last+1 < revision {
		err = fmt.Errorf("%w: a replica is behind", bus.ErrUnavailable)
	}
	return keys, err
}
