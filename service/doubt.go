package service

import (
	"bytes"
	"errors"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/lock"
)

// errInFlight is why a write in doubt stays in doubt.
var errInFlight = errors.New("an earlier try of the write is on its way")

// errOvertaken is why a write that was in doubt was neither done nor not.
var errOvertaken = errors.New("others have written since")

// resend sends a write in doubt again: the same bytes, the same revisions. After a
// minute without a look at the floor it looks first. What the write was decided on may
// have been replaced, dropped, and come back: then it is decided anew, and an earlier
// try is not waited for any more.
func (b *batch) resend() {
	if !b.w.floor.fresh() {
		b.w.spawn(func() {
			if err := b.w.floor.refresh(b.w.ctx); err != nil {
				b.retry(err, b.resend)
				return
			}
			b.resend()
		})
		return
	}
	if b.outdated() {
		b.w.spawn(b.reload)
		return
	}
	b.write()
}

// outdated reports whether a record in use that the write was decided on is below the
// floor. Upon one of a free lock nothing comes back with the write.
func (b *batch) outdated() bool {
	floor := b.w.floor.known.Load()
	for i := range b.parts {
		if p := &b.parts[i]; p.written && p.base < floor && !p.before.Free() {
			return true
		}
	}
	return false
}

// stored reports whether the store has just what was to be written.
func (b *batch) stored(entries []bus.Entry) bool {
	for i := range b.parts {
		p := &b.parts[i]
		if p.written && (entries[i].Revision <= p.base || !bytes.Equal(entries[i].Value, p.value)) {
			return false
		}
	}
	return true
}

// open reports whether the earlier try of a write that conflicts may be stored
// yet: nothing else has been. With replicas a write conflicts with one of its
// key that is in flight, and until that has landed the leader does not show it.
func (b *batch) open(entries []bus.Entry) bool {
	if b.outdated() {
		return false
	}
	for i := range b.parts {
		if p := &b.parts[i]; p.written && entries[i].Revision != p.base {
			return false
		}
	}
	return true
}

// retell has waiting attempts answered as the store has them now. The write in
// doubt that was to answer them may have been stored, and another worker has
// built on it; if it was the other who answered, they hear it twice.
func (b *batch) retell() {
	for i := range b.parts {
		p := &b.parts[i]
		for _, o := range p.outcomes {
			for _, a := range o.Answers {
				b.w.submit(p.actor.key, &job{
					command: lock.Retell{Attempt: a.Attempt, Inbox: a.Inbox},
					caller:  caller{inbox: a.Inbox.Subject, encoding: a.Inbox.Encoding},
					asked:   time.Now(), inner: true,
				})
			}
		}
	}
}
