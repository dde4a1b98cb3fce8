package service

import (
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// part is one lock's share of a batch.
type part struct {
	actor    *actor
	base     uint64 // the revision that record is decided on
	before   lock.Record
	fold     *lock.Fold // nil: nothing is done to this lock
	outcomes []lock.Outcome
	record   lock.Record // after
	value    []byte      // encoded
	buffer   *[]byte     // that it is in; nil: nothing was encoded yet
	written  bool        // by the write in flight
}

// encode puts the record as it is to be stored into value. A store keeps no value that it
// is given.
func (p *part) encode(m *mark) {
	if p.buffer == nil {
		p.buffer = buffers.Get().(*[]byte)
	}
	*p.buffer = m.encode((*p.buffer)[:0], &p.record)
	p.value = *p.buffer
}

// keep has the value's buffer be no other's any more: the store may not have done with it.
func (p *part) keep() { p.buffer = nil }

// forget gives the value's buffer back.
func (p *part) forget() {
	if p.buffer != nil {
		putBuffer(p.buffer)
		p.buffer = nil
	}
	p.value = nil
}

// answer is the reply of the last outcome.
func (p *part) answer() *schema.Reply { return p.outcomes[len(p.outcomes)-1].Reply }

// speaks reports whether anybody is told anything that rests on the record.
func (p *part) speaks() bool {
	for i := range p.outcomes {
		if o := &p.outcomes[i]; o.Reply != nil || len(o.Answers) > 0 {
			return true
		}
	}
	return false
}
