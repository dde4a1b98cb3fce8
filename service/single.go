package service

import (
	"cmp"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// single is the work of a batch that concerns one lock: all the commands that
// had gathered for it, folded into one write.
type single struct {
	w       *Worker
	jobs    []*job
	several []onward // as decided last
}

// newSingle makes the batch of an actor's jobs, in one piece with what nearly every one needs.
func newSingle(w *Worker, a *actor, jobs []*job) *batch {
	one := &struct {
		batch
		single
		outcome [1]lock.Outcome
	}{
		batch:  batch{w: w},
		single: single{w: w, jobs: jobs},
	}
	b := &one.batch
	b.work = &one.single
	b.one[0].actor, b.one[0].outcomes = a, one.outcome[:0]
	b.parts = b.one[:]
	return b
}

func (s *single) decide(parts []part, full *schema.Reply) {
	p := &parts[0]
	p.fold = lock.NewFold(p.before)
	p.fold.At = s.w.wall().UnixMilli()
	s.several = s.several[:0]
	for i, j := range s.jobs {
		if i > 0 && p.fold.Full() {
			p.actor.shard.mu.Lock()
			p.actor.putBack(s.jobs[i:])
			p.actor.shard.mu.Unlock()
			s.jobs = s.jobs[:i]
			break
		}
		if j.stale() {
			p.outcomes = append(p.outcomes, lock.Outcome{})
			continue
		}
		if hold, ok := onwardOf(p, j.command); ok {
			s.several = append(s.several, onward{job: i, hold: hold})
			p.outcomes = append(p.outcomes, lock.Outcome{})
			continue
		}
		p.outcomes = append(p.outcomes, p.fold.Apply(within(j.command, full)))
	}
}

// within is a command as it happens while the store has no room for more, if full
// is not nil.
func within(command lock.Command, full *schema.Reply) lock.Command {
	if full == nil {
		return command
	}
	switch c := command.(type) {
	case lock.Acquire:
		c.Barred = cmp.Or(c.Barred, full)
		return c
	case lock.Cancel:
		c.Barred = full
		return c
	}
	return command
}

// overtaken: a command that was stored finds things as it left them. But an acquire that
// waited may have been granted by another worker meanwhile, released, and forgotten: what
// is not known any more is not decided, as its caller repeats it if he has heard nothing.
func (s *single) overtaken() {
	for _, j := range s.jobs {
		if c, ok := j.command.(lock.Acquire); ok && c.Wait != 0 {
			c.Barred = cmp.Or(c.Barred, storeAway(errOvertaken).reply())
			j.command = c
		}
	}
}

func (s *single) deliver(parts []part) {
	p, several := &parts[0], s.several
	for i, j := range s.jobs {
		if len(several) > 0 && several[0].job == i {
			s.w.takeBack(p.actor, &several[0].hold, j)
			several = several[1:]
			continue
		}
		s.tell(p, j, &p.outcomes[i])
	}
}

// tell tells a job's caller what came of it. A grant is told also to a caller
// who was told unavailable: it comes back if nobody waits for it any more.
func (s *single) tell(p *part, j *job, o *lock.Outcome) {
	if o.Reply != nil && (!j.late || o.Reply.Status == schema.StatusGranted) {
		o.Reply.Name = p.actor.name
		s.w.answer(j, p.actor, o)
	}
	if j.ended != nil {
		j.ended()
	}
}

func (s *single) refuse(since time.Time, r refusal) {
	final := since.IsZero()
	if final {
		since = time.Now()
	}
	for _, j := range s.jobs {
		s.w.refuseLate(j, since, r)
		if final && j.ended != nil {
			j.ended()
		}
	}
}

// answer sends the reply to a job's caller. A grant is sent so that it comes
// back if nobody is there to hear it.
func (w *Worker) answer(j *job, a *actor, o *lock.Outcome) {
	if o.Reply.Status == schema.StatusHeld {
		w.lookUpExpiries(a, o.Reply)
	}
	w.replyWith(j.caller, o.Reply, undoOf(a, o.Reply, o.Repeat))
}

// lookUpExpiries fills in when the holders of a expire that a refusal names.
func (w *Worker) lookUpExpiries(a *actor, reply *schema.Reply) {
	a.shard.mu.Lock()
	defer a.shard.mu.Unlock()
	w.expiries(a, reply.Holders)
}

// refuseLate refuses a job that was asked for before since, once. What nobody has asked
// for is not late, however long it takes: it is told when it is decided.
func (w *Worker) refuseLate(j *job, since time.Time, r refusal) {
	if !j.late && !j.asked.IsZero() && !j.asked.After(since) {
		j.late = true
		w.refuse(j, r)
	}
}

// drop ends what is not to happen any more to a.
func (w *Worker) drop(a *actor) {
	a.shard.mu.Lock()
	dropped := a.dropStale()
	a.shard.mu.Unlock()
	for _, j := range dropped {
		if j.ended != nil {
			j.ended()
		}
	}
}

// refuse answers a job's caller without having asked the lock.
func (w *Worker) refuse(j *job, r refusal) {
	w.reply(j.caller, r.reply())
}
