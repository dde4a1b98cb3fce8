package service

import (
	"slices"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// isOther reports whether the attempt was granted other names before: then it is
// answered for these, whatever a repeat of it names. That rests on the record of
// the hold that shows it.
func (n *allOrNone) isOther(parts []part) bool {
	if n.again {
		return false
	}
	for i := range parts {
		p := &parts[i]
		hold := holdOf(&p.before, n.command.Attempt)
		switch {
		case hold == nil:
			continue
		case n.isFirst(parts, hold):
			return false
		}
		n.first, n.firstName = hold, p.actor.name
		p.outcomes = append(p.outcomes, lock.Outcome{Reply: new(schema.Reply)}) // to have the record confirmed
		return true
	}
	return false
}

// isLost reports whether the grant whose names n has taken up is not known any
// more: nobody had heard of it, and it was undone.
func (n *allOrNone) isLost(parts []part) bool {
	return n.instead != nil && !slices.ContainsFunc(parts, func(p part) bool {
		return p.before.FindAttempt(n.command.Attempt) != lock.Nowhere
	})
}

// isFirst reports whether hold, which one of the parts has, was granted with just
// these names.
func (n *allOrNone) isFirst(parts []part, hold *lock.Hold) bool {
	if hold.Lead == "" {
		return len(n.names) == 1
	}
	lead := slices.IndexFunc(parts, func(p part) bool { return p.actor.name == hold.Lead })
	if lead < 0 {
		return false
	}
	names := namesIn(&parts[lead].before, hold)
	return len(names) == 0 || sameNames(names, n.names)
}

// turn goes on with the names that the attempt was granted.
func (n *allOrNone) turn() {
	first := &allOrNone{
		w: n.w, realm: n.realm, caller: n.caller, asked: n.asked, told: n.told, asks: n.asks, instead: n.names,
	}
	n.w.namesOf(n.realm, n.firstName, n.first, first.refuse, func(names []string) {
		first.names = names
		first.start()
	})
}
