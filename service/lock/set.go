package lock

import "github.com/natslock/natslock/schema"

func (c Note) apply(f *Fold) {
	if f.repeat(c.Set.Attempt, c.Set.Inbox, true) || !f.hasEntry(c.Set.weight()) {
		return
	}
	s := Set{Waiter: c.Set.plain(), Names: c.Set.Names}
	f.addSet(s)
	f.happened(s.event(schema.EventQueued, ""))
}

func (c Unnote) apply(f *Fold) {
	if place, i := f.r.find(c.Attempt); place == InSets {
		f.takeSet(i)
	}
}
