package service

import (
	"errors"
	"slices"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// How the store is asked again.
const (
	retryPause = 100 * time.Millisecond
)

// work is what a batch is about: the commands of one lock, or one step that
// concerns several locks.
type work interface {
	// decide folds commands into parts. It may be called again with newer
	// records, and decides everything anew then. full, unless it is nil, is the
	// answer to what would make the store larger: there is no room.
	decide(parts []part, full *schema.Reply)
	// overtaken is called before it decides anew, when what it decided last
	// may have been stored and built on by others.
	overtaken()
	// deliver answers callers, after the store has decided. The outcomes are sealed.
	deliver(parts []part)
	// refuse answers every caller that has not been answered, if it asked before since.
	refuse(since time.Time, r refusal)
}

// batch is one write on its way: decided on the records known here, stored by
// compare-and-set, and only then delivered. It has its actors to itself until
// it ends.
type batch struct {
	w     *Worker
	work  work
	parts []part
	sent  time.Time
	doubt bool  // an earlier try of this very write may have been stored
	grows int64 // bytes that the store grows by with the write in flight

	one      [1]part // for most have no more
	oneWrite [1]bus.Write
}

// run decides and writes.
func (b *batch) run() {
	b.doubt = false
	if used := b.begin(); used && !b.w.floor.fresh() {
		b.w.spawn(b.refresh)
		return
	}
	changed, decided := b.decide(nil)
	if changed && !b.w.space.take(b.grows) {
		b.begin()
		changed, decided = b.decide(b.w.space.refusal().reply())
		b.w.space.insist(b.grows)
	}
	switch {
	case changed:
		b.encode()
		b.write()
	case decided:
		b.w.spawn(b.confirm)
	default:
		b.finish()
	}
}

// refresh runs the batch when the floor is known well enough to tell what is in
// use from what has come back after it was purged.
func (b *batch) refresh() {
	if err := b.w.floor.refresh(b.w.ctx); err != nil {
		b.retry(err, b.run)
		return
	}
	b.run()
}

// write sends the write. No record of a lock has a TTL: a nats-server that was killed and reads its files
// again finds, below a message that expired, the one before it, and a lock that
// was released would be held once more.
func (b *batch) write() {
	writes := b.oneWrite[:0]
	if len(b.parts) > len(b.oneWrite) {
		writes = make([]bus.Write, 0, len(b.parts))
	}
	for i := range b.parts {
		p := &b.parts[i]
		if !p.written {
			continue
		}
		writes = append(writes, bus.Write{Key: p.actor.key, Value: p.value, Expected: p.base})
	}
	b.sent = time.Now()
	b.w.store.Commit(writes, b.settled)
}

// settled hears what became of the write. last is the revision of its last key.
func (b *batch) settled(last uint64, err error) {
	switch {
	case b.w.ctx.Err() != nil:
		// The worker has ended. Whoever was to hear of this asks again.
	case err == nil:
		b.landed()
		now := b.w.clock.Answered()
		b.w.meter.stored.Observe(time.Since(b.sent).Seconds())
		b.w.meter.folded.Observe(float64(b.commands()))
		n := uint64(0)
		for i := range b.parts {
			if b.parts[i].written {
				n++
			}
		}
		revision := last - n
		for i := range b.parts {
			if p := &b.parts[i]; p.written {
				revision++
				b.adopt(p, revision, now)
			}
		}
		b.finish()
	case errors.Is(err, bus.ErrConflict):
		b.landed()
		b.w.clock.Answered()
		b.w.meter.conflicts.Inc()
		b.w.spawn(b.reload)
	case errors.Is(err, bus.ErrTooLarge):
		b.landed()
		b.keep()
		b.w.log.Error("record too large for the store", "key", b.parts[0].actor.key)
		b.work.refuse(time.Time{}, refusal{schema.StatusInternal, "the lock's record is too large for the store"})
		b.release()
	default:
		if errors.Is(err, bus.ErrFull) {
			b.w.space.refused()
		}
		b.keep()
		again := b.resend
		if b.doubt = b.doubt || !errors.Is(err, bus.ErrUnavailable); !b.doubt {
			b.landed()
			again = b.run // without those who have been told meanwhile
		}
		b.retry(err, again)
	}
}

// keep has what was sent be no other's any more.
func (b *batch) keep() {
	for i := range b.parts {
		b.parts[i].keep()
	}
}

// retry tells callers who have waited long, and tries again after a pause.
func (b *batch) retry(err error, again func()) {
	b.w.log.Debug("store does not decide", "key", b.parts[0].actor.key, "err", err)
	b.refuse(time.Now().Add(-patience), storeAway(err))
	b.w.later(retryPause, again)
}

// refuse tells the callers who asked before since, also those who wait behind
// the batch: its actors' queues stand still.
func (b *batch) refuse(since time.Time, r refusal) {
	b.work.refuse(since, r)
	for i := range b.parts {
		a := b.parts[i].actor
		a.shard.mu.Lock()
		queue := slices.Clone(a.queue)
		a.shard.mu.Unlock()
		for _, j := range queue { // nobody but the batch takes them out
			if j.seat != nil {
				j.seat.refuse(since, r)
			} else {
				b.w.refuseLate(j, since, r)
			}
		}
		b.w.drop(a)
	}
}

// reload reads, after a conflict, what the leader has, and decides anew,
// unless that shows that the write in doubt was stored.
func (b *batch) reload() {
	entries, err := b.load(func(*part) bool { return true })
	if err != nil {
		b.retry(err, func() { b.w.spawn(b.reload) })
		return
	}
	if b.doubt {
		switch {
		case b.stored(entries):
			for i := range b.parts {
				if p := &b.parts[i]; p.written {
					b.adopt(p, entries[i].Revision, b.w.clock.Now())
				}
			}
			b.finish()
			return
		case b.open(entries):
			b.retry(errInFlight, b.resend)
			return
		}
		b.retell()
		b.work.overtaken()
	}
	if b.take(entries) {
		b.run()
	}
}

// confirm delivers an outcome that changed nothing once the leader of the store
// still has the records that it rests on.
func (b *batch) confirm() {
	entries, err := b.load((*part).speaks)
	if err != nil {
		b.retry(err, func() { b.w.spawn(b.confirm) })
		return
	}
	for i := range b.parts {
		if entries[i].Revision == b.parts[i].base {
			continue
		}
		if b.take(entries) {
			b.run()
		}
		return
	}
	b.finish()
}

// load reads the keys of the parts that matter from the leader. Of the others
// it says what is known here.
func (b *batch) load(matters func(*part) bool) ([]bus.Entry, error) {
	entries := make([]bus.Entry, len(b.parts))
	for i := range b.parts {
		p := &b.parts[i]
		if !matters(p) {
			entries[i].Revision = p.base
			continue
		}
		e, err := b.w.load(b.w.ctx, p.actor.key)
		if err != nil {
			return nil, err
		}
		entries[i] = e
	}
	return entries, nil
}

// take makes what the leader has the actors' records. A record that cannot be
// read ends the batch.
func (b *batch) take(entries []bus.Entry) bool {
	now := b.w.clock.Now()
	for i := range b.parts {
		a := b.parts[i].actor
		if entries[i].Revision == b.parts[i].base {
			continue
		}
		record, err := decode(entries[i])
		if err != nil {
			b.w.log.Error("unreadable record", "key", a.key, "revision", entries[i].Revision, "err", err)
			a.shard.mu.Lock()
			a.obscure = max(a.obscure, entries[i].Revision)
			a.shard.mu.Unlock()
			b.work.refuse(time.Time{}, refusal{schema.StatusInternal, "the lock's record cannot be read: " + err.Error()})
			b.release()
			return false
		}
		if b.parts[i].base == 0 {
			record = b.w.lapse(record, entries[i].Revision)
		}
		a.shard.mu.Lock()
		a.reset(record, entries[i].Revision, now)
		a.shard.mu.Unlock()
	}
	return true
}

// adopt makes the stored record the actor's, and seals the outcomes. now is an instant of
// the service clock.
func (b *batch) adopt(p *part, revision uint64, now time.Duration) {
	for i := range p.outcomes {
		p.outcomes[i].Seal(revision)
	}
	p.record = p.record.Seal(revision)
	p.actor.shard.mu.Lock()
	p.actor.reset(p.record, revision, now)
	b.w.sessions.name(p.actor)
	p.actor.shard.mu.Unlock()
}

// finish does what the stored records justify, and lets the actors go.
// Grants go first: what a hot lock does next waits for them.
func (b *batch) finish() {
	for i := range b.parts {
		b.w.grant(b.parts[i].actor, b.parts[i].outcomes)
	}
	b.work.deliver(b.parts)
	for i := range b.parts {
		b.w.announce(b.parts[i].actor, b.parts[i].outcomes)
	}
	b.release()
}

// release ends the batch.
func (b *batch) release() {
	for i := range b.parts {
		b.parts[i].forget()
		b.w.release(b.parts[i].actor)
	}
}
