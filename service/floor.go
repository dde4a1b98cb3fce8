package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/bus"
)

// floorKey is where the floor stands in the bucket of the locks. It is no lock's
// key: those have a point.
const floorKey = "floor"

// How long what is known of the floor may be acted upon. Nothing is purged before
// everybody has had to look at the floor that allows it, several times over.
const (
	floorFresh  = time.Minute
	floorSettle = 5 * time.Minute
)

// floorRecord is what stands at floorKey. Both numbers are revisions and only grow.
type floorRecord struct {
	Floor uint64 `json:"floor"` // what is at a smaller one is garbage, whatever it says
	Next  uint64 `json:"next"`  // what is to be the floor, when nothing in use is below it any more
}

var errFloor = errors.New("the floor of the bucket cannot be read")

// floor stands in front of the store of the locks, and shows what is below the
// floor as a key without a value, which is a free lock. The revision stays: the
// write that replaces it has to expect what the store has.
//
// What was purged can come back. A nats-server that is killed and rebuilds its
// state from its files finds, for a key whose newest message was dropped, the one before it,
// which may say that the lock is held. Whatever it finds is below the
// floor, since nothing is purged that is not. So no reader takes it for a
// record, provided that he knows the floor that was there when it was purged.
// That is a matter of time: between a floor and its purge are at least 5 minutes
// of whoever purges, and nothing read from the store is believed by a worker that
// has not asked the leader for the floor in the minute before. That holds also for one
// that was paused, lags behind, or is connected to another server than the one that crashed, and
// leaves minutes for a leader that was cut off to find out.
type floor struct {
	bus.Store
	sunk  func(below uint64) // called when the watch has brought a new floor
	began time.Time
	known atomic.Uint64 // the floor; it never sinks here, whatever a crash takes from the store
	asked atomic.Int64  // nanoseconds since began, when the leader was asked for it; 0 is never

	mu       sync.Mutex // also held while the leader is asked
	record   floorRecord
	revision uint64
	since    time.Time // when this revision was first seen here
}

func newFloor(store bus.Store, sunk func(below uint64)) *floor {
	return &floor{Store: store, sunk: sunk, began: time.Now().Add(-time.Nanosecond)}
}

// Load implements bus.Store.
func (f *floor) Load(ctx context.Context, key string) (bus.Entry, error) {
	e, err := f.Store.Load(ctx, key)
	if err != nil || len(e.Value) == 0 {
		return e, err
	}
	if err := f.refresh(ctx); err != nil {
		return bus.Entry{}, err
	}
	return f.judge(e), nil
}

// Watch implements bus.Store. Of the floor itself nothing is shown.
func (f *floor) Watch(ctx context.Context, seen func(bus.Entry), ready func()) error {
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	insist := func() bool {
		err := f.insist(ctx)
		if errors.Is(err, errFloor) {
			end(err)
		}
		return err == nil
	}
	var err error
	if insist() {
		err = f.Store.Watch(ctx, func(e bus.Entry) {
			switch {
			case ctx.Err() != nil:
			case e.Key == floorKey:
				f.heard(e)
			case len(e.Value) == 0 || insist():
				seen(f.judge(e))
			}
		}, func() {
			if ctx.Err() == nil {
				ready()
			}
		})
	}
	if cause := context.Cause(ctx); errors.Is(cause, errFloor) {
		return cause
	}
	return err
}

// judge is e as it is to be read by whoever knows the floor.
func (f *floor) judge(e bus.Entry) bus.Entry {
	if e.Revision < f.known.Load() {
		e.Value = nil
	}
	return e
}

// fresh reports whether the floor is known as it was a moment ago.
func (f *floor) fresh() bool {
	asked := time.Duration(f.asked.Load())
	return asked > 0 && time.Since(f.began)-asked < floorFresh
}

// refresh asks the leader for the floor, unless it is known well enough.
func (f *floor) refresh(ctx context.Context) error {
	if f.fresh() {
		return nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fresh() {
		return nil
	}
	asked := time.Since(f.began)
	e, err := f.Store.Load(ctx, floorKey)
	if err != nil {
		return err
	}
	if e.Revision != f.revision { // also back: a crash may have taken what was new
		if err := f.learnLocked(e); err != nil {
			return err
		}
	}
	f.asked.Store(int64(asked))
	return nil
}

// insist is refresh until it works, or ctx ends.
func (f *floor) insist(ctx context.Context) error {
	for {
		err := f.refresh(ctx)
		if err == nil || errors.Is(err, errFloor) {
			return err
		}
		pause := time.NewTimer(retryPause)
		select {
		case <-ctx.Done():
			pause.Stop()
			return ctx.Err()
		case <-pause.C:
		}
	}
}

// heard takes in what the watch brings. All that is below the new floor has been
// brought before.
func (f *floor) heard(e bus.Entry) {
	f.mu.Lock()
	var err error
	if e.Revision > f.revision {
		err = f.learnLocked(e)
	}
	below := f.record.Floor
	f.mu.Unlock()
	if err != nil {
		f.doubt() // nothing is believed until the leader says something better
		return
	}
	f.sunk(below)
}

// doubt has the leader asked before anything else is believed.
func (f *floor) doubt() { f.asked.Store(0) }

func (f *floor) learnLocked(e bus.Entry) error {
	r := floorRecord{Floor: f.known.Load()} // as long as somebody has deleted it
	r.Next = r.Floor
	if len(e.Value) > 0 {
		r = floorRecord{}
		if err := json.Unmarshal(e.Value, &r); err != nil || r.Floor > r.Next || r.Next > e.Revision {
			return fmt.Errorf("%w: %.200q at revision %d", errFloor, e.Value, e.Revision)
		}
	}
	f.record, f.revision, f.since = r, e.Revision, time.Now()
	f.known.Store(max(f.known.Load(), r.Floor))
	return nil
}

// last is the floor's record, and for how long it has been known here.
func (f *floor) last() (r floorRecord, revision uint64, age time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.record, f.revision, time.Since(f.since)
}

// set replaces the record that is at revision, unless somebody else has.
func (f *floor) set(ctx context.Context, r floorRecord, revision uint64) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	type outcome struct {
		revision uint64
		err      error
	}
	done := make(chan outcome, 1)
	f.Commit([]bus.Write{{Key: floorKey, Value: value, Expected: revision}}, func(at uint64, err error) {
		done <- outcome{at, err}
	})
	select {
	case o := <-done:
		if o.err != nil {
			f.doubt()
			return fmt.Errorf("set the floor: %w", o.err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if o.revision <= f.revision {
			return nil // the watch was quicker
		}
		return f.learnLocked(bus.Entry{Key: floorKey, Value: value, Revision: o.revision})
	case <-ctx.Done():
		return ctx.Err()
	}
}
