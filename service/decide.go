package service

import "github.com/natslock/natslock/schema"

// decide has everything decided. It tells whether that changes a record, and
// whether anybody is told anything.
func (b *batch) decide(full *schema.Reply) (changed, speaks bool) {
	b.work.decide(b.parts, full)
	b.grows = 0
	for i := range b.parts {
		p := &b.parts[i]
		speaks = speaks || p.speaks()
		if p.fold == nil || !p.fold.Changed() {
			continue
		}
		changed = true
		b.grows += int64(p.fold.Grown())
		if p.base == 0 {
			b.grows += int64(entryBytes + len(p.actor.key))
		}
	}
	return changed, speaks
}

// landed gives the room that the write took back to be measured.
func (b *batch) landed() {
	b.w.space.landed(b.grows)
	b.grows = 0
}

// begin makes the parts ready to be decided. It tells whether any of them is in
// use, as far as is known here.
func (b *batch) begin() (used bool) {
	for i := range b.parts {
		p := &b.parts[i]
		p.actor.shard.mu.Lock()
		p.actor.sink(b.w.floor.known.Load(), b.w.clock)
		p.before, p.base = p.actor.record, p.actor.revision
		p.actor.shard.mu.Unlock()
		used = used || p.base > 0 && !p.before.Free()
		p.fold, p.outcomes, p.value, p.written = nil, p.outcomes[:0], nil, false
	}
	return used
}

// encode makes ready what is written: what changed and, in a write of several,
// what something is told of. So all of it is true at one revision.
func (b *batch) encode() {
	for i := range b.parts {
		p := &b.parts[i]
		if p.written = p.fold != nil && (p.fold.Changed() || p.speaks()); p.written {
			p.record = p.fold.Record()
			p.encode(b.w.mark)
		}
	}
}

// commands is how many the write took together.
func (b *batch) commands() (n int) {
	for i := range b.parts {
		n += len(b.parts[i].outcomes)
	}
	return n
}
