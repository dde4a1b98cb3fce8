package service

import (
	"bytes"
	"errors"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/lock"
)

// errInFlight is why a write in doubt stays in doubt.
var errInFlight = errors.New("an earlier try of the write is on its way")

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
	for i := range b.parts {
		if p := &b.parts[i]; p.written && entries[i].Revision != p.base {
			return false
		}
	}
	return true
}

// retell answers waiting attempts as the store has them now. The write in doubt
// that was to answer them may have been stored, and another worker has built on
// it; if it was the other who answered, they hear it twice. Nothing is undone
// when nobody hears this.
func (b *batch) retell(entries []bus.Entry) {
	for i := range b.parts {
		p := &b.parts[i]
		record, err := decode(entries[i])
		if err != nil {
			continue // as take will say
		}
		for _, o := range p.outcomes {
			for _, a := range o.Answers {
				b.w.retell(p.actor, record, a)
			}
		}
	}
}

func (w *Worker) retell(a *actor, record lock.Record, answer lock.Answer) {
	if place := record.FindAttempt(answer.Attempt); place != lock.InHold && place != lock.InEnded {
		return
	}
	_, o := lock.Step(record, lock.Acquire{Attempt: answer.Attempt, Inbox: answer.Inbox})
	o.Reply.Name = a.name
	w.reply(caller{inbox: answer.Inbox.Subject, encoding: answer.Inbox.Encoding}, o.Reply, "")
}
