package service

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// Bounds of reading.
const (
	maxReading = 16 // inspects and lists at work at once; more wait in the subscription
	maxLoading = 8  // keys that one inspect reads at once

	// maxInspected bounds the bytes of the records that one inspect reads. They
	// hold what a reply leaves out, so it is more than a reply may have.
	maxInspected = 4 * schema.MaxReply
)

var errMuch = errors.New("too much to inspect at once")

// read runs f beside the endpoint, with at most maxReading others.
func (w *Worker) read(f func()) {
	select {
	case w.reading <- struct{}{}:
	case <-w.ctx.Done():
		return
	}
	w.spawn(func() {
		defer func() { <-w.reading }()
		f()
	})
}

// inspect handles the verb inspect: from the leader of the store.
func (w *Worker) inspect(r request, m *schema.Inspect) {
	names := m.Names
	if m.Name != "" {
		names = []string{m.Name}
	}
	w.read(func() {
		ctx, cancel := context.WithTimeout(w.ctx, patience)
		defer cancel()
		states := make([]schema.LockState, len(names))
		errs := make([]error, len(names))
		room := make(chan struct{}, maxLoading)
		var read atomic.Int64
		var loads sync.WaitGroup
		for i, name := range names {
			room <- struct{}{}
			loads.Go(func() {
				defer func() { <-room }()
				if read.Load() > maxInspected {
					errs[i] = errMuch
					return
				}
				var size int
				states[i], size, errs[i] = w.state(ctx, r.realm, name)
				read.Add(int64(size))
			})
		}
		loads.Wait()
		for i, err := range errs {
			if err != nil {
				w.reply(r.caller, unread(names[i], err).reply())
				return
			}
		}
		w.reply(r.caller, &schema.Reply{Status: schema.StatusOK, Locks: states})
	})
}

// unread is the refusal when a lock could not be read.
func unread(name string, err error) refusal {
	if errors.Is(err, errMuch) {
		return refusal{schema.StatusLimit, "the reply would be larger than 512 KiB; ask for fewer names"}
	}
	if errors.Is(err, bus.ErrUnavailable) {
		return refusal{schema.StatusUnavailable, "the store does not answer (" + err.Error() + "); repeat the request"}
	}
	return refusal{schema.StatusInternal, fmt.Sprintf("the record of %q cannot be read: %v", name, err)}
}

// state reads one lock from the leader. size is that of its record in bytes.
func (w *Worker) state(ctx context.Context, realm, name string) (state schema.LockState, size int, err error) {
	key := schema.LockKey(realm, name)
	entry, err := w.load(ctx, key)
	if err != nil {
		return state, 0, err
	}
	record, err := decode(entry)
	if err != nil {
		return state, 0, err
	}
	state = record.State()
	state.Name = name
	w.replica.peek(key, func(a *actor) { w.expiries(a, state.Holders) })
	return state, len(entry.Value), nil
}

// expiries fills in when holds end, as far as this worker times them; the
// shard of a is locked. A hold that it has not seen yet has its whole TTL.
func (w *Worker) expiries(a *actor, holders []schema.Holder) {
	now := w.clock.Now()
	for i := range holders {
		h := &holders[i]
		if h.TTL == 0 {
			continue
		}
		left := h.TTL
		for j := range a.record.Holds {
			if uint64(a.record.Holds[j].Token) == h.Token {
				left = max(h.TTL-(now-a.clocks.holds[j]).Milliseconds(), 0)
			}
		}
		h.ExpiresIn = &left
	}
}
