package service

import (
	"context"
	"time"
)

// How often a store is looked at.
const (
	measureEvery = 5 * time.Second
	measureSoon  = time.Second // while room is scarce, and at most
	measureLate  = 2 * time.Second
)

// measure looks how full a store is, now and then, until ctx ends. most and room
// are as for limitOf; changed is called when room has become scarce, or is no more.
func (k *keeper) measure(ctx context.Context, most int64, room func() int64, changed func(scarce bool)) {
	for {
		scarce := k.look(ctx, most, room)
		if ctx.Err() != nil {
			return
		}
		if scarce != k.told {
			k.tell(scarce)
			changed(scarce)
		}
		if !k.unmeasured(ctx) {
			return
		}
	}
}

// unmeasured waits until it is time to look again.
func (k *keeper) unmeasured(ctx context.Context) bool {
	soon := time.NewTimer(measureSoon)
	defer soon.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-soon.C:
	}
	if k.space.isScarce() {
		return true
	}
	rest := time.NewTimer(measureEvery - measureSoon)
	defer rest.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-k.space.wake:
	case <-rest.C:
	}
	return true
}

// look looks once. While the store does not answer all is as it was.
func (k *keeper) look(ctx context.Context, most int64, room func() int64) (scarce bool) {
	settled := k.space.looking()
	ctx, cancel := context.WithTimeout(ctx, measureLate)
	defer cancel()
	e, err := k.store.Extent(ctx)
	if err != nil {
		k.log.Debug("the store does not tell how full it is", "of", k.what, "err", err)
		return k.space.isScarce()
	}
	return k.space.looked(int64(e.Bytes), limitOf(e, most, room()), settled)
}

// tell logs once that room is scarce, and once that it is no more.
func (k *keeper) tell(scarce bool) {
	k.told = scarce
	used, limit, _, _ := k.space.state()
	if scarce {
		k.log.Warn("the store is nearly full: what would make it larger is refused, everything else goes on",
			"of", k.what, "bytes", used, "limit", limit, "mend", "release or force what is not needed, or give it more: --max-store, the disk, the limits of the NATS account")
		return
	}
	k.log.Info("the store has room again", "of", k.what, "bytes", used, "limit", limit)
}

// unknownRoom is the room of a disk of which nothing is known.
func unknownRoom() int64 { return -1 }

// spaceChanged makes room when it has become scarce, and uses it when it is there
// again: what could not be granted then may be granted now.
func (w *Worker) spaceChanged(scarce bool) {
	if scarce {
		w.collector.hurry()
		return
	}
	for _, lead := range w.sets.all() {
		w.trySets(lead, "")
	}
}

// Full reports whether the store is nearly full, so that what would make it larger
// is refused, and whether it is quite full, so that nothing is decided.
func (w *Worker) Full() (nearly, quite bool) {
	_, _, nearly, quite = w.space.state()
	return nearly, quite
}
