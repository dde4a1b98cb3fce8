package service

import (
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// single is the work of a batch that concerns one lock: all the commands that
// had gathered for it, folded into one write.
type single struct {
	w    *Worker
	jobs []*job
}

func (s *single) decide(parts []part) {
	p := &parts[0]
	p.fold = lock.NewFold(p.before)
	p.fold.At = time.Now().UnixMilli()
	for i, j := range s.jobs {
		if i > 0 && p.fold.Full() {
			p.actor.shard.mu.Lock()
			p.actor.putBack(s.jobs[i:])
			p.actor.shard.mu.Unlock()
			s.jobs = s.jobs[:i]
			break
		}
		p.outcomes = append(p.outcomes, p.fold.Apply(j.command))
	}
}

func (s *single) deliver(parts []part) {
	for i, j := range s.jobs {
		if reply := parts[0].outcomes[i].Reply; reply != nil && !j.late {
			reply.Name = parts[0].actor.name
			s.w.answer(j, parts[0].actor, reply)
		}
		s.follow(&parts[0], j.command, parts[0].outcomes[i].Changed)
		if j.ended != nil {
			j.ended()
		}
	}
}

// follow takes a cancel or undo of one lock of several to the others.
func (s *single) follow(p *part, command lock.Command, changed bool) {
	var attempt lock.Attempt
	switch c := command.(type) {
	case lock.Cancel:
		attempt = c.Attempt
	case lock.Undo:
		attempt = c.Attempt
	default:
		return
	}
	if hold := holdOf(&p.before, attempt); changed && hold != nil && hold.Lead != "" {
		s.w.spread(p.actor, hold, command)
	}
}

func (s *single) refuse(since time.Time, r refusal) {
	final := since.IsZero()
	for _, j := range s.jobs {
		if !j.late && (final || j.asked.Before(since)) {
			s.w.refuse(j, r)
			j.late = true
		}
		if final && j.ended != nil {
			j.ended()
		}
	}
}

// answer sends the reply to a job's caller. A grant is sent so that it comes
// back if nobody is there to hear it.
func (w *Worker) answer(j *job, a *actor, reply *schema.Reply) {
	undo := ""
	if c, ok := j.command.(lock.Acquire); ok && reply.Status == schema.StatusGranted {
		undo = w.undoSubject(a.key, c.Attempt, c.Inbox)
	}
	if reply.Status == schema.StatusHeld {
		a.shard.mu.Lock()
		w.expiries(a, reply.Holders)
		a.shard.mu.Unlock()
	}
	w.reply(j.caller, reply, undo)
}

// refuse answers a job's caller without having asked the lock.
func (w *Worker) refuse(j *job, r refusal) {
	w.reply(j.caller, r.reply(), "")
}
