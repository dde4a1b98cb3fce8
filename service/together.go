package service

import (
	"slices"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// together is the work of taking back, in one atomic batch, all that an attempt
// for several names was newly granted: at its caller's wish, or because its
// caller is gone.
type together struct {
	single        // with one job, a Cancel or Undo
	key    string // of the lock that it came to
}

// goOn does j, which came to a, to all the locks that it concerns.
func (w *Worker) goOn(a *actor, j *job, o onward) {
	if o.lead != "" {
		w.flights.begin()
		w.spawn(func() { w.askNames(a, j, o) })
		return
	}
	w.takeBack(a, o.names, j)
}

// askNames asks the leader of the store for the record that has the names. If it
// has them no more, there is nothing that could be found but a.
func (w *Worker) askNames(a *actor, j *job, o onward) {
	e, err := w.load(w.ctx, o.lead)
	if err != nil {
		w.refuseLate(j, time.Now().Add(-patience), storeAway(err))
		w.later(retryPause, func() { w.askNames(a, j, o) })
		return
	}
	names := []string{a.name}
	record, err := decode(e)
	if err != nil {
		w.log.Error("unreadable record", "key", o.lead, "revision", e.Revision, "err", err)
	} else if h := holdOf(&record, o.attempt); h != nil && slices.Contains(h.Names, a.name) {
		names = h.Names
	}
	w.takeBack(a, names, j)
	w.flights.end()
}

// takeBack gathers the locks of names, of which a is one, and does j to each.
func (w *Worker) takeBack(a *actor, names []string, j *job) {
	w.gather(a.realm, slices.Sorted(slices.Values(names)), &together{single: single{w: w, jobs: []*job{j}}, key: a.key})
}

func (t *together) decide(parts []part) {
	command := t.of(parts)
	for i := range parts {
		p := &parts[i]
		p.fold = lock.NewFold(p.before)
		o := p.fold.Apply(command(p))
		if p.actor.key != t.key {
			o.Reply = nil // one answer is enough
		}
		p.outcomes = append(p.outcomes, o)
	}
}

// of is the command as each part is to do it. An undo names the hold of the lock
// that it came to; what the same attempt was granted with it goes the same way.
func (t *together) of(parts []part) func(p *part) lock.Command {
	undo, ok := t.jobs[0].command.(lock.Undo)
	if !ok {
		return func(*part) lock.Command { return t.jobs[0].command }
	}
	var grant lock.Hold
	for i := range parts {
		if p := &parts[i]; p.actor.key == t.key {
			grant, _ = p.before.HoldByToken(undo.Token)
		}
	}
	return func(p *part) lock.Command {
		one := lock.Undo{Answer: undo.Answer}
		if grant.Lead == "" {
			return one // it has ended, and so names no hold here
		}
		if h := holdOf(&p.before, grant.Attempts[0]); h != nil && h.Lead == grant.Lead {
			one.Token = h.Token
		}
		return one
	}
}

func (t *together) deliver(parts []part) {
	for i := range parts {
		if p := &parts[i]; p.actor.key == t.key {
			t.tell(p, t.jobs[0], &p.outcomes[0])
		}
	}
}

// severalOf tells where a command to p's lock goes on that would take back a grant
// of several: nowhere if it would not. The record of the first of them has the names.
func (w *Worker) severalOf(p *part, command lock.Command) (o onward) {
	record := p.fold.Record()
	var hold *lock.Hold
	switch c := command.(type) {
	case lock.Cancel:
		hold = holdOf(&record, c.Attempt)
	case lock.Undo:
		if h, ok := record.HoldByToken(c.Token); ok {
			hold = &h
		}
	default:
		return o
	}
	if hold == nil || hold.Lead == "" {
		return o
	}
	o.attempt, o.names = hold.Attempts[0], hold.Names
	if len(o.names) > 0 {
		return o
	}
	lead := schema.LockKey(p.actor.realm, hold.Lead)
	w.replica.peek(lead, func(a *actor) {
		if h := holdOf(&a.record, o.attempt); h != nil {
			o.names = h.Names
		}
	})
	if len(o.names) == 0 {
		o.lead = lead
	}
	return o
}

// holdOf returns the hold that an attempt was granted, or nil.
func holdOf(r *lock.Record, attempt lock.Attempt) *lock.Hold {
	for i := range r.Holds {
		if h := &r.Holds[i]; len(h.Attempts) > 0 && h.Attempts[0] == attempt {
			return h
		}
	}
	return nil
}
