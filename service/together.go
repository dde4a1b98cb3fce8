package service

import (
	"slices"

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

// takeBack gathers the locks that hold, a's, was granted with, and does j to each.
func (w *Worker) takeBack(a *actor, hold *lock.Hold, j *job) {
	t := &together{single: single{w: w, jobs: []*job{j}}, key: a.key}
	w.namesOf(a.realm, a.name, hold, t.refuse, func(names []string) {
		w.gather(a.realm, slices.Sorted(slices.Values(names)), t)
	})
}

func (t *together) decide(parts []part, _ *schema.Reply) {
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
