package service

import (
	"slices"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/lock"
)

// maxQueued bounds the commands that wait for one lock's turn to be written.
const maxQueued = 4096

// forgetAfter is how long a free lock's record is kept here, and a session that
// has ended in the store, so that what comes late is recognized.
const forgetAfter = 60 * time.Second

// actor is what the worker knows of one lock, and the one place where commands
// for it are folded and written. It has no goroutine of its own: whoever
// brings it work or the answer of the store drives it on, and busy keeps that
// to one at a time. Its fields are guarded by its shard's mutex.
type actor struct {
	key   string
	realm string
	name  string
	shard *shard

	record   lock.Record
	revision uint64 // of record; 0: the key is not there
	offered  uint64 // the revision at which sets were last told
	told     uint64 // the revision at which it was last seen to know earlier terms of a session
	obscure  uint64 // the latest revision at which the store has what cannot be read
	leads    bool   // sets knows of some that are noted here
	clocks   clocks
	sessions []string // that record names, as they were told to the table of sessions

	queue  []*job
	urgent int       // of the queue: jobs that do not linger
	linger bool      // a wake-up is on its way for a queue that lingers
	busy   bool      // a batch or a seat has it
	newer  bus.Entry // what the watch brought while busy, not yet decoded

	timer   timer
	ringing bool // what the timers found due is on its way
}

func (a *actor) place() *timer { return &a.timer }

// adopt makes record, as it is at revision, the one the actor goes by. now is
// an instant of the service clock. It returns whether it was news.
func (a *actor) adopt(record lock.Record, revision uint64, now time.Duration) bool {
	if revision <= a.revision {
		return false
	}
	a.clocks.follow(&a.record, &record, now)
	a.record, a.revision = record, revision
	return true
}

// reset is adopt for what the leader of the store says now: it holds even if
// the key is gone or older than what was believed.
func (a *actor) reset(record lock.Record, revision uint64, now time.Duration) {
	a.clocks.follow(&a.record, &record, now)
	a.record, a.revision, a.obscure = record, revision, 0
}

// legible reports whether record is the last that the store is known to have. If
// not, nothing comes of what it asks for by itself before there is one that can be read.
func (a *actor) legible() bool { return a.obscure <= a.revision }

// sink makes the lock free if what is known of it is below the floor. A worker
// that was away for long has not seen everything: what was dropped meanwhile, the
// watch does not bring. The revision stays, since the store may have it.
func (a *actor) sink(floor uint64, clock *serviceClock) (sunk bool) {
	if a.revision == 0 || a.revision >= floor || a.record.Free() {
		return false
	}
	a.reset(lock.Record{}, a.revision, clock.Now())
	return true
}

// lingerFor is how long the arrival of one more waiter may wait for company.
const lingerFor = 2 * time.Millisecond

// push appends j to the queue.
func (a *actor) push(j *job) {
	a.queue = append(a.queue, j)
	if !j.lingers() {
		a.urgent++
	}
}

// lingers reports whether the queue can wait for a moment: all of it are
// acquires that will only join the waiters. What makes their turn come, a release,
// takes them along in its own write; so a hot lock costs one write for each
// hand-over, not two.
func (a *actor) lingers() bool {
	return a.urgent == 0 && len(a.record.Waiters) > 0
}

// idle reports whether nothing would be lost if the actor were forgotten.
func (a *actor) idle() bool {
	return !a.busy && len(a.queue) == 0 && a.revision == 0
}

// take removes from the queue what can be folded together: commands up to the
// next seat, or one seat alone.
func (a *actor) take() (jobs []*job) {
	n := 0
	for n < len(a.queue) && a.queue[n].seat == nil {
		n++
	}
	if n == 0 {
		n = 1
	}
	jobs, a.queue = a.queue[:n:n], a.queue[n:]
	if len(a.queue) == 0 {
		a.queue = nil
	}
	for _, j := range jobs {
		if !j.lingers() {
			a.urgent--
		}
	}
	return jobs
}

// putBack returns jobs to the head of the queue. They do not linger again.
func (a *actor) putBack(jobs []*job) {
	for _, j := range jobs {
		j.hurry = true
	}
	a.urgent += len(jobs)
	a.queue = append(jobs[:len(jobs):len(jobs)], a.queue...)
}

// dropStale takes out of the queue what is not to happen any more.
func (a *actor) dropStale() (dropped []*job) {
	a.queue = slices.DeleteFunc(a.queue, func(j *job) bool {
		if !j.stale() {
			return false
		}
		if !j.lingers() {
			a.urgent--
		}
		dropped = append(dropped, j)
		return true
	})
	return dropped
}
