package service

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/presence"
)

// visit is one write of a session's record on its way, or one look at it. It is
// decided on what is known here, stored by compare-and-set, and only then
// told. Doing it again does no harm: so an unknown outcome is settled by reading
// the record and deciding anew.
type visit struct {
	t       *sessions
	s       *session
	notices []*notice
	replies []schema.Reply
	one     [1]schema.Reply // most visits have one notice
	base    uint64
	after   presence.Record
	sent    time.Time // the write
}

// submit queues a notice for a session.
func (t *sessions) submit(id string, n *notice) {
	t.mu.Lock()
	s := t.getLocked(id)
	full := len(s.queue)+len(s.terms.kept) >= maxNotices && n.refused != nil && !n.leaves
	waits := !full && t.mayWaitLocked(s, n)
	var departs *convoy
	if waits {
		departs = t.joinLocked(s)
	}
	if !full {
		s.queue = append(s.queue, n)
	}
	t.mu.Unlock()
	switch {
	case full:
		n.refused(refusal{schema.StatusLimit, fmt.Sprintf("%d requests wait for this session already; try again in a moment", maxNotices)})
	case !waits:
		t.advance(s)
	case departs != nil:
		t.depart(departs)
	}
}

// advance begins the next visit of s, if there is work and none is on its way.
func (t *sessions) advance(s *session) {
	t.mu.Lock()
	if s.busy || len(s.queue) == 0 || t.w.ctx.Err() != nil {
		t.forgetLocked(s)
		t.mu.Unlock()
		return
	}
	s.busy = true
	v := &visit{t: t, s: s, notices: s.queue}
	s.queue = nil
	t.mu.Unlock()
	t.w.flights.begin()
	v.run()
}

// run decides and writes.
func (v *visit) run() {
	v.t.mu.Lock()
	v.base, v.after = v.s.revision, v.s.record
	v.t.mu.Unlock()
	changed := v.decide()
	speaks := slices.ContainsFunc(v.notices, func(n *notice) bool { return n.refused != nil })
	switch {
	case changed:
		v.write()
	case speaks:
		v.t.w.spawn(v.confirm)
	default:
		v.finish()
	}
}

// decide applies the notices, up to the first that opens or ends the session:
// each opening has a write of its own, and each end. What expires comes last, and only if the
// others change nothing: a session that is kept alive at the last moment lives.
func (v *visit) decide() (changed bool) {
	v.replies = v.one[:]
	if len(v.notices) != len(v.one) {
		v.replies = make([]schema.Reply, len(v.notices))
	}
	clear(v.replies)
	slices.SortStableFunc(v.notices, func(a, b *notice) int { return a.rank() - b.rank() })
	for i, n := range v.notices {
		if n.command == nil || n.rank() > 0 && (n.timed != v.base || changed) {
			continue
		}
		before, one := v.after, false
		v.after, v.replies[i], one = presence.Step(v.after, n.command)
		if refused := v.open(before); refused != nil {
			v.after, v.replies[i], one = before, *refused, false
		}
		changed = changed || one
		if turns := v.after.State != before.State || v.after.Epoch != before.Epoch; turns && i+1 < len(v.notices) {
			v.putBack(i + 1)
			break
		}
	}
	return changed
}

// open takes room for the session, if it is opened, or says why there is none.
func (v *visit) open(before presence.Record) (refused *schema.Reply) {
	if before.State == presence.Open || v.after.State != presence.Open {
		return nil
	}
	size := int64(entryBytes + len(v.s.key) + len(v.after.Append(nil)))
	if !v.t.space.take(size) {
		return v.t.space.refusal().reply()
	}
	v.t.space.landed(size) // what is not stored after all is soon known
	v.t.mu.Lock()
	defer v.t.mu.Unlock()
	return v.t.openLocked(v.s, v.after.Client)
}

// putBack returns the notices from i on to the head of the queue.
func (v *visit) putBack(i int) {
	v.t.mu.Lock()
	v.s.queue = append(slices.Clone(v.notices[i:]), v.s.queue...)
	v.t.mu.Unlock()
	v.notices, v.replies = v.notices[:i:i], v.replies[:i]
}

func (v *visit) write() {
	var ttl time.Duration
	if v.after.State.Ended() {
		ttl = v.t.remembers(v.s)
	}
	v.sent = time.Now()
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	*buffer = v.after.Append((*buffer)[:0])
	v.t.store.Commit([]bus.Write{{Key: v.s.key, Value: *buffer, Expected: v.base, TTL: ttl}}, v.settled)
}

// settled hears what became of the write.
func (v *visit) settled(revision uint64, err error) {
	switch {
	case v.t.w.ctx.Err() != nil:
		// The worker has ended. Whoever was to hear of this asks again.
	case err == nil:
		v.t.clock.Answered()
		v.t.w.meter.stored.Observe(time.Since(v.sent).Seconds())
		v.after = v.after.Seal(revision)
		v.t.mu.Lock()
		end := v.t.adoptLocked(v.s, v.after, revision)
		v.t.mu.Unlock()
		v.part(end)
	case errors.Is(err, bus.ErrConflict):
		v.t.clock.Answered()
		v.t.w.meter.conflicts.Inc()
		v.t.w.spawn(v.reload)
	default:
		if errors.Is(err, bus.ErrFull) {
			v.t.space.refused()
		}
		v.retry(err, v.reload)
	}
}

// reload reads what the leader has, and decides anew.
func (v *visit) reload() {
	e, err := v.t.load(v.t.w.ctx, v.s.key)
	if err != nil {
		v.retry(err, v.reload)
		return
	}
	v.take(e)
}

// take makes what the leader has the session's record, and decides anew.
func (v *visit) take(e bus.Entry) {
	record, err := presence.Decode(e.Value, e.Revision)
	if err != nil {
		v.t.log.Error("unreadable session", "key", v.s.key, "revision", e.Revision, "err", err)
		v.refuse(time.Now(), refusal{schema.StatusInternal, "the session's record cannot be read: " + err.Error()})
		v.finish()
		return
	}
	if e.Revision != v.base {
		v.t.mu.Lock()
		end := v.t.adoptLocked(v.s, record, e.Revision)
		v.t.mu.Unlock()
		v.t.part(end, nil)
	}
	v.run()
}

// confirm tells what changed nothing once the leader still has the record that
// it rests on.
func (v *visit) confirm() {
	e, err := v.t.load(v.t.w.ctx, v.s.key)
	switch {
	case err != nil:
		v.retry(err, v.run) // without those who are told now
	case e.Revision != v.base:
		v.take(e)
	default:
		v.finish()
	}
}

// retry tells callers who have waited long, and goes on after a pause with the
// others.
func (v *visit) retry(err error, again func()) {
	v.t.log.Debug("store does not decide", "session", v.s.key, "err", err)
	v.refuse(time.Now().Add(-patience), refusal{schema.StatusUnavailable, "the store does not decide (" + err.Error() + "); repeat the same request"})
	v.t.w.later(retryPause, again)
}

// refuse tells the callers who asked before since, also those who wait behind
// the visit. What they asked for does not happen any more, unless it has.
func (v *visit) refuse(since time.Time, r refusal) {
	var told []*notice
	late := func(n *notice) bool {
		if n.refused == nil || n.asked.After(since) {
			return false
		}
		told = append(told, n)
		return true
	}
	v.notices = slices.DeleteFunc(v.notices, late)
	v.t.mu.Lock()
	v.s.queue = slices.DeleteFunc(v.s.queue, late)
	v.t.mu.Unlock()
	for _, n := range told {
		n.refused(r)
	}
}

// part ends what the session held, if it ended, before anybody is told.
func (v *visit) part(end ended) {
	if len(end.keys) == 0 {
		v.count(0)
		v.finish()
		return
	}
	v.t.part(end, func(count int64) {
		v.count(count)
		v.finish()
	})
}

// count tells the one who ended the session how many holds have ended: it is the
// last of the visit. Others have asked for the end of an earlier opening.
func (v *visit) count(count int64) {
	last := len(v.notices) - 1
	if last < 0 {
		return
	}
	switch v.notices[last].command.(type) {
	case presence.Leave, presence.LeaveLeaf:
		v.replies[last].Count = &count
	}
}

// finish tells what the stored record justifies, and lets the session go.
func (v *visit) finish() {
	v.t.mu.Lock()
	record, left, settled := v.s.record, v.t.leftLocked(v.s), v.s.settledLocked()
	v.t.mu.Unlock()
	for i, n := range v.notices {
		r := schema.Reply{}
		if i < len(v.replies) {
			r = v.replies[i]
		}
		if _, ok := n.command.(presence.Keepalive); ok && r.Status == schema.StatusOK {
			r.Epoch = record.Epoch
			if r.TTL == nil {
				r.TTL = &left
			}
			if !settled {
				v.t.keep(v.s, kept{n, record, r})
				continue
			}
		}
		if n.told != nil {
			n.told(record, r)
		}
	}
	v.release()
}

// release ends the visit: what the watch brought meanwhile is taken in, and the
// next begins.
func (v *visit) release() {
	v.t.mu.Lock()
	v.s.busy = false
	v.t.countLocked(v.s) // room that was taken for what was not stored after all
	var end ended
	if v.s.newer.Revision > v.s.revision {
		end = v.t.takeLocked(v.s, v.s.newer)
	}
	v.s.newer = bus.Entry{}
	v.t.mu.Unlock()
	v.t.part(end, nil)
	v.t.advance(v.s)
	v.t.w.flights.end()
}
