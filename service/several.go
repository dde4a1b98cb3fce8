package service

import (
	"sort"
	"sync/atomic"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// allOrNone is the work of acquiring several names in one atomic batch.
type allOrNone struct {
	w       *Worker
	caller  caller
	asked   time.Time
	told    bool
	again   bool // a waiting attempt is tried again: a refusal is not told
	names   []string
	order   []int // parts[i] is names[order[i]]
	command lock.Acquire

	refused *schema.Reply // as decided; nil: granted, or waiting
	waits   bool
}

// acquireAll acquires several names for a caller.
func (w *Worker) acquireAll(r request, names []string, c lock.Acquire) {
	if !w.flights.admit() {
		w.reply(r.caller, busy().reply(), "")
		return
	}
	n := &allOrNone{w: w, caller: r.caller, asked: time.Now(), names: names, command: c}
	n.start(r.realm)
}

// start gathers the locks.
func (n *allOrNone) start(realm string) {
	n.order = make([]int, len(n.names))
	for i := range n.order {
		n.order[i] = i
	}
	sort.Slice(n.order, func(i, j int) bool { return n.names[n.order[i]] < n.names[n.order[j]] })
	keys := make([]string, len(n.names))
	for i, place := range n.order {
		keys[i] = schema.LockKey(realm, n.names[place])
	}
	n.command.Lead = n.names[n.order[0]]
	n.w.gather(keys, n)
}

func (n *allOrNone) decide(parts []part) {
	n.refused, n.waits = nil, false
	refusedAt := -1
	for i := range parts {
		p := &parts[i]
		p.fold = lock.NewFold(p.before)
		p.fold.At = time.Now().UnixMilli()
		command := n.command
		command.Wait = 0
		if i == 0 {
			command.Names = n.names
			if set := setOf(&p.before, command.Attempt); set != nil {
				waited := set.Waiter
				command.Waited = &waited
				p.outcomes = append(p.outcomes, p.fold.Apply(lock.Unnote{Attempt: command.Attempt}))
			} else if n.again {
				n.refuseFor(parts, nil) // it was granted or ended meanwhile
				return
			}
		}
		p.outcomes = append(p.outcomes, p.fold.Apply(command))
		reply := p.outcomes[len(p.outcomes)-1].Reply
		if !reply.Status.OK() && (refusedAt < 0 || n.order[i] < n.order[refusedAt]) {
			refusedAt, n.refused = i, reply
		}
	}
	if refusedAt < 0 {
		return
	}
	n.refused.Name = n.names[n.order[refusedAt]]
	if n.refused.Status == schema.StatusHeld && n.command.Wait != 0 {
		n.note(parts)
		return
	}
	n.refuseFor(parts, &parts[refusedAt])
}

// refuseFor leaves all parts as they are; the refusal rests on the record of
// on, if any.
func (n *allOrNone) refuseFor(parts []part, on *part) {
	for i := range parts {
		p := &parts[i]
		p.fold = nil
		if p != on {
			p.outcomes = nil
		}
	}
	if n.again {
		n.waits = true
	}
}

// note writes the attempt down to be tried again.
func (n *allOrNone) note(parts []part) {
	n.refuseFor(parts, nil)
	n.waits = true
	if n.again {
		return
	}
	lead, c := &parts[0], &n.command
	lead.fold = lock.NewFold(lead.before)
	lead.outcomes = append(lead.outcomes, lead.fold.Apply(lock.Note{Set: lock.Set{Names: n.names, Waiter: lock.Waiter{
		Attempt: c.Attempt, Client: c.Client, Owner: c.Owner, Session: c.Session, Mode: c.Mode, Size: c.Size,
		TTL: c.TTL, DefaultTTL: c.DefaultTTL, Wait: c.Wait, Meta: c.Meta, Inbox: c.Inbox, QueuedAt: c.At,
	}}}))
	if reply := lead.outcomes[0].Reply; reply != nil {
		n.refused, n.waits = reply, false
	} else {
		n.refused = nil
	}
}

func (n *allOrNone) deliver(parts []part) {
	if !n.again {
		n.w.flights.decided()
	}
	switch {
	case n.waits || n.told:
		return
	case n.refused != nil:
		n.w.reply(n.caller, n.refused, "")
		return
	}
	reply := &schema.Reply{Status: schema.StatusAlready, Owner: n.command.Owner, Locks: make([]schema.LockState, len(n.names))}
	for i := range parts {
		p := &parts[i]
		one := p.outcomes[len(p.outcomes)-1].Reply
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
	undo := ""
	if reply.Status == schema.StatusGranted {
		undo = n.w.undoSubject(parts[0].actor.key, n.command.Attempt, n.command.Inbox)
	}
	n.w.reply(n.caller, reply, undo)
}

func (n *allOrNone) refuse(since time.Time, r refusal) {
	if since.IsZero() && !n.again {
		n.w.flights.decided()
	}
	if n.told || n.again || !(since.IsZero() || n.asked.Before(since)) {
		return
	}
	n.told = true
	n.w.reply(n.caller, r.reply(), "")
}

// trySets tries the waiting attempts noted under lead.
func (w *Worker) trySets(lead string) {
	var sets []lock.Set
	realm := ""
	w.replica.peek(lead, func(a *actor) {
		sets, realm = a.record.Sets, a.realm
	})
	for i := range sets {
		s := &sets[i]
		if s.Parked || !w.looksFree(realm, s) {
			continue
		}
		n := &allOrNone{w: w, asked: time.Now(), again: true, names: s.Names,
			caller: caller{inbox: s.Inbox.Subject, encoding: s.Inbox.Encoding},
			command: lock.Acquire{
				Attempt: s.Attempt, Client: s.Client, Owner: s.Owner, Session: s.Session, Mode: s.Mode, Size: s.Size,
				TTL: s.TTL, DefaultTTL: s.DefaultTTL, Wait: s.Wait, Meta: s.Meta, Inbox: s.Inbox, At: time.Now().UnixMilli(),
			}}
		n.start(realm)
	}
}

// looksFree reports whether trying a set may be worth while.
func (w *Worker) looksFree(realm string, s *lock.Set) bool {
	for _, name := range s.Names {
		free := true
		w.replica.peek(schema.LockKey(realm, name), func(a *actor) { free = looksOpen(&a.record, s.Mode) })
		if !free {
			return false
		}
	}
	return true
}

// looksOpen reports whether an acquire might be granted, re-entrance aside.
func looksOpen(r *lock.Record, mode schema.Mode) bool {
	return len(r.Holds) == 0 || mode == schema.ModeShared && r.Mode == schema.ModeShared
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
				w.reply(r.caller, reply, "")
			}
		}})
	}
}

// setOf returns the waiting attempt for several names that is noted in r, or nil.
func setOf(r *lock.Record, attempt lock.Attempt) *lock.Set {
	for i := range r.Sets {
		if s := &r.Sets[i]; s.Attempt == attempt {
			return s
		}
	}
	return nil
}
