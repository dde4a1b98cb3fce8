package service

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// allOrNone is the work of acquiring several names in one atomic batch.
type allOrNone struct {
	w      *Worker
	caller caller
	asked  time.Time
	told   bool
	again  bool // a noted attempt is tried again: a refusal is not told
	realm  string
	names  []string
	order  []int        // parts[i] is names[order[i]]
	asks   lock.Acquire // what the caller asks

	command lock.Acquire // what is asked: of an attempt that waits, what it asked at first

	// As decided last.
	refused   *schema.Reply // nil: granted, or waiting
	refusedAt int           // the part that refused
	waits     bool
	noted     int        // the part that has the note of the attempt, or -1
	first     *lock.Hold // it has been granted other names before: one of these
	firstName string     // whose that is
	lost      bool       // and has lost it since

	granted bool     // perhaps, by an earlier try whose outcome is unknown
	instead []string // the names that the caller asked for, if names are those of an earlier grant
}

// acquireAll acquires several names for a caller.
func (w *Worker) acquireAll(r request, names []string, c lock.Acquire) {
	if !w.flights.admit() {
		w.reply(r.caller, busy().reply())
		return
	}
	n := &allOrNone{w: w, realm: r.realm, caller: r.caller, asked: r.caller.asked, names: names, asks: c}
	n.start()
}

// start gathers the locks.
func (n *allOrNone) start() {
	n.order = make([]int, len(n.names))
	for i := range n.order {
		n.order[i] = i
	}
	slices.SortFunc(n.order, func(i, j int) int { return strings.Compare(n.names[i], n.names[j]) })
	n.w.gather(n.realm, slices.Sorted(slices.Values(n.names)), n)
}

func (n *allOrNone) decide(parts []part, full *schema.Reply) {
	n.refused, n.refusedAt, n.waits, n.first, n.lost = nil, -1, false, nil, false
	if n.told {
		n.waits = true // not any more: see job.stale
		return
	}
	var set *lock.Set
	set, n.noted = n.findSet(parts)
	n.command = n.terms(set)
	n.command.Barred = cmp.Or(n.command.Barred, full)
	if set == nil && n.granted && n.command.Wait != 0 {
		n.command.Barred = cmp.Or(n.command.Barred, storeAway(errOvertaken).reply()) // see single.overtaken
	}
	switch {
	case n.again && (set == nil && !n.granted || set != nil && set.Parked):
		n.waits = true // it was granted or ended meanwhile, or its caller is gone
		return
	case n.again && set != nil:
		n.caller = waiter(set.Inbox)
		n.command.Inbox = set.Inbox
	case set != nil && !sameNames(set.Names, n.names):
		n.refuseAt(n.noted, invalidRequest("waits for other names"))
		n.leave(parts)
		return
	case n.isOther(parts):
		return
	case n.isLost(parts):
		n.lost = true
		return
	}
	n.apply(parts, set)
	switch {
	case n.refused == nil:
	case n.refused.Status == schema.StatusHeld && n.command.Wait != 0, set != nil && !n.isCanceled():
		n.note(parts)
	default:
		n.leave(parts)
	}
}

// terms are those that the attempt waits on, if it does: a repeat is for the same.
func (n *allOrNone) terms(set *lock.Set) lock.Acquire {
	c := n.asks
	if set != nil {
		c.Barred = nil
		c.Client, c.Owner, c.Session, c.Mode, c.Size = set.Client, set.Owner, set.Session, set.Mode, set.Size
		c.TTL, c.DefaultTTL, c.Wait, c.Meta = set.TTL, set.DefaultTTL, set.Wait, set.Meta
		c.Since = set.QueuedAt
	}
	return c
}

// isCanceled reports whether a cancel came by another name than the one under
// which the attempt is noted.
func (n *allOrNone) isCanceled() bool {
	return n.refused != nil && n.refused.Status == schema.StatusCanceled
}

// overtaken: the caller may have been granted all, and not know it.
func (n *allOrNone) overtaken() { n.granted = true }

// findSet finds the note of the attempt, and the part that has it.
func (n *allOrNone) findSet(parts []part) (set *lock.Set, at int) {
	for i := range parts {
		if set := setOf(&parts[i].before, n.asks.Attempt); set != nil {
			return set, i
		}
	}
	return nil, -1
}

// apply acquires every part. What is newly granted bears the name of the first
// of these, which has the names of all and what the attempt was while it waited.
func (n *allOrNone) apply(parts []part, set *lock.Set) {
	lead := slices.IndexFunc(parts, func(p part) bool { return n.isNew(&p) })
	n.command.Lead = n.names[n.order[max(lead, 0)]]
	for i := range parts {
		p := &parts[i]
		p.fold = lock.NewFold(p.before)
		p.fold.At = n.w.wall().UnixMilli()
		command := n.command
		command.Wait = 0
		if i == lead {
			command.Names = n.names
			if set != nil {
				waited := set.Waiter
				command.Waited = &waited
			}
		}
		if i == n.noted {
			p.outcomes = append(p.outcomes, p.fold.Apply(lock.Unnote{Attempt: command.Attempt}))
		}
		p.outcomes = append(p.outcomes, p.fold.Apply(command))
		switch reply := p.answer(); {
		case reply == nil:
			n.refuseAt(i, invalidRequest("waits for this name alone, or for other names"))
		case reply.Status != schema.StatusGranted && reply.Status != schema.StatusAlready:
			n.refuseAt(i, reply)
		}
	}
}

// isNew reports whether p would be newly granted to the attempt.
func (n *allOrNone) isNew(p *part) bool {
	if place := p.before.FindAttempt(n.command.Attempt); place != lock.Nowhere && place != lock.InSets {
		return false
	}
	_, held := p.before.HoldOf(n.command.Client, n.command.Owner)
	return !held
}

// refuseAt notes a refusal. That a lock is held is the weakest of all, since it
// will pass; of equals the first in the order asked is told.
func (n *allOrNone) refuseAt(i int, reply *schema.Reply) {
	if n.refused != nil {
		weak, was := reply.Status == schema.StatusHeld, n.refused.Status == schema.StatusHeld
		if weak && !was || weak == was && n.order[i] > n.order[n.refusedAt] {
			return
		}
	}
	n.refused, n.refusedAt = reply, i
	n.refused.Name = n.names[n.order[i]]
}

// leave leaves all parts as they are. The refusal rests on the one that refused.
func (n *allOrNone) leave(parts []part) {
	for i := range parts {
		p := &parts[i]
		p.fold, p.outcomes = nil, nil
		if i == n.refusedAt {
			p.outcomes = []lock.Outcome{{Reply: n.refused}}
		}
	}
	n.waits = n.again
}

// note writes the attempt down to be tried again.
func (n *allOrNone) note(parts []part) {
	n.refusedAt = -1
	n.leave(parts)
	if n.again {
		return
	}
	p, c := &parts[max(n.noted, 0)], &n.command
	p.fold = lock.NewFold(p.before)
	o := p.fold.Apply(lock.Note{Set: lock.Set{Names: n.names, Waiter: lock.Waiter{
		Attempt: c.Attempt, Client: c.Client, Owner: c.Owner, Session: c.Session, Mode: c.Mode, Size: c.Size,
		TTL: c.TTL, DefaultTTL: c.DefaultTTL, Wait: c.Wait, Meta: c.Meta, Inbox: c.Inbox, QueuedAt: c.At,
	}}})
	p.outcomes = []lock.Outcome{o}
	n.refused, n.waits = o.Reply, o.Reply == nil
}

func (n *allOrNone) deliver(parts []part) {
	switch {
	case n.first != nil:
		n.turn()
		return
	case n.lost:
		n.names, n.instead = n.instead, nil
		n.start()
		return
	}
	if !n.again {
		n.w.flights.decided()
	}
	switch {
	case n.noted >= 0 && n.isCanceled():
		n.w.submit(parts[n.noted].actor.key, &job{command: lock.Cancel{Attempt: n.command.Attempt}, inner: true})
		if !n.waits {
			n.w.reply(n.caller, n.refused)
		}
	case n.waits:
	case n.refused != nil && n.told:
	case n.refused != nil:
		if n.refusedAt >= 0 {
			n.w.lookUpExpiries(parts[n.refusedAt].actor, n.refused)
		}
		n.w.reply(n.caller, n.refused)
	default:
		n.w.replyWith(n.caller, n.grant(parts), n.undo(parts))
	}
}

// grant is the reply when all parts are held.
func (n *allOrNone) grant(parts []part) *schema.Reply {
	reply := &schema.Reply{Status: schema.StatusAlready, Locks: make([]schema.LockState, len(n.names))}
	for i := range parts {
		one := parts[i].answer()
		if one.Status == schema.StatusGranted {
			reply.Status = schema.StatusGranted
		}
		if reply.Count == nil || *one.Count > *reply.Count {
			reply.Count = one.Count
		}
		reply.Owner, reply.TTL = one.Owner, one.TTL
		place := n.order[i]
		reply.Locks[place] = schema.LockState{Name: n.names[place], Token: one.Token}
	}
	return reply
}

// undo is how the grant is undone if nobody hears it: by the part that has the names
// of all.
func (n *allOrNone) undo(parts []part) undo {
	for i := range parts {
		p := &parts[i]
		record := p.fold.Record()
		if h := holdOf(&record, n.command.Attempt); h != nil && len(h.Names) > 0 {
			o := &p.outcomes[len(p.outcomes)-1]
			return undoOf(p.actor, o.Reply, o.Repeat)
		}
	}
	return undo{}
}

func (n *allOrNone) refuse(since time.Time, r refusal) {
	if since.IsZero() && !n.again {
		n.w.flights.decided()
	}
	if n.told || n.again || !(since.IsZero() || n.asked.Before(since)) {
		return
	}
	n.told = true
	n.w.reply(n.caller, r.reply())
}

// invalidRequest refuses an id that is in use for something else.
func invalidRequest(what string) *schema.Reply {
	return refusal{schema.StatusInvalid, fmt.Sprintf("request: the attempt of this id %s; use another id", what)}.reply()
}

// sameNames reports whether two lists of different names are of the same ones.
func sameNames(a, b []string) bool {
	return len(a) == len(b) && !slices.ContainsFunc(a, func(name string) bool { return !slices.Contains(b, name) })
}

// releaseAll releases n holds, each on its own, and replies when all are done.
func (w *Worker) releaseAll(r request, n int, command func(i int) (string, lock.Release)) {
	reply := &schema.Reply{Status: schema.StatusOK, Locks: make([]schema.LockState, n)}
	var left atomic.Int64
	left.Store(int64(n))
	for i := range n {
		name, c := command(i)
		reply.Locks[i].Name = name
		w.ask(schema.LockKey(r.realm, name), c, caller{report: func(one *schema.Reply) {
			reply.Locks[i].Status = one.Status
			if left.Add(-1) == 0 {
				w.reply(r.caller, reply)
			}
		}})
	}
}
