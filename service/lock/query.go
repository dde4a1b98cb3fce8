package lock

// Free reports whether nobody holds the lock or waits for it.
func (r Record) Free() bool {
	return len(r.Holds) == 0 && len(r.Waiters) == 0 && len(r.Sets) == 0
}

// Empty reports whether the record is Free and remembers no attempt either, so
// that nothing is lost with it.
func (r Record) Empty() bool { return r.Free() && len(r.Ended) == 0 }

// HoldOf returns the hold of a client's owner.
func (r Record) HoldOf(client, owner string) (Hold, bool) { return r.hold(r.holdOf(client, owner)) }

// HoldByToken returns the hold with a sealed token.
func (r Record) HoldByToken(t Token) (Hold, bool) { return r.hold(r.holdByToken(t)) }

func (r *Record) hold(i int) (Hold, bool) {
	if i < 0 {
		return Hold{}, false
	}
	return r.Holds[i], true
}

// holdOf is the index of the hold of a client's owner, or -1.
func (r *Record) holdOf(client, owner string) int {
	for i := range r.Holds {
		if h := &r.Holds[i]; h.Owner == owner && h.Client == client {
			return i
		}
	}
	return -1
}

// holdByToken is the index of the hold with a token, or -1. No caller can know
// a token that is not sealed yet, so a small number names none.
func (r *Record) holdByToken(t Token) int {
	for i := range r.Holds {
		if t.Sealed() && r.Holds[i].Token == t {
			return i
		}
	}
	return -1
}
