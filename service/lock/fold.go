package lock

import (
	"slices"

	"github.com/natslock/natslock/schema"
)

// Step applies one command to a record. It changes neither argument.
func Step(r Record, c Command) (Record, Outcome) {
	f := NewFold(r)
	o := f.Apply(c)
	return f.Record(), o
}

// Fold applies commands one after another, for one write.
type Fold struct {
	// At is the wall clock of the write in Unix milliseconds. It is only
	// shown, as the time of what the write grants. Default: the time of the
	// acquire that is granted.
	At int64

	r       Record
	weight  int     // of r, as weight.go counts
	began   int     // the weight of the record that it began with
	owned   bool    // the lists of r are this fold's own, not yet shown to anybody
	changed bool    // by any command
	out     Outcome // of the command being applied
}

// NewFold begins with a record, which it does not change.
func NewFold(r Record) *Fold {
	weight := r.weight()
	return &Fold{r: r, weight: weight, began: weight}
}

// Grown is how many bytes the record has become larger, or smaller, at most.
func (f *Fold) Grown() int { return f.weight - f.began }

// Apply lets c happen, and then grants what can be granted.
func (f *Fold) Apply(c Command) Outcome {
	f.out = Outcome{}
	c.apply(f)
	f.promote()
	f.changed = f.changed || f.out.Changed
	return f.out
}

// Record is the record after what was applied so far. Its tokens are not sealed.
func (f *Fold) Record() Record {
	f.owned = false
	return f.r.tidy()
}

// Changed reports whether any command changed the record.
func (f *Fold) Changed() bool { return f.changed }

// Full reports whether the write should be made now: so many grants are in it
// that those which the next commands justify might not find an index. The size
// of the record needs no such care, since no command takes it above MaxBytes.
func (f *Fold) Full() bool { return f.r.granted >= MaxGrants*3/4 }

// own makes the lists of the record the fold's own before the first change.
func (f *Fold) own() {
	if f.owned {
		return
	}
	f.owned = true
	f.r.Holds = spare(f.r.Holds)
	f.r.Waiters = spare(f.r.Waiters)
	f.r.Sets = spare(f.r.Sets)
}

// spare copies a list, with room for one more.
func spare[T any](list []T) []T {
	if len(list) == 0 {
		return nil
	}
	return append(make([]T, 0, len(list)+1), list...)
}

// remove takes element i out of a list that is the fold's own. It is mostly the
// first, for which the others need not move.
func remove[T any](list []T, i int) []T {
	if i == 0 {
		return list[1:]
	}
	return slices.Delete(list, i, i+1)
}

// change notes that the record is about to become another, heavier by weight.
func (f *Fold) change(weight int) {
	f.own()
	f.out.Changed = true
	f.weight += weight
}

func (f *Fold) addHold(h Hold) {
	f.change(h.weight())
	f.r.Holds = append(f.r.Holds, h)
}

func (f *Fold) setHold(i int, h Hold) {
	f.change(h.weight() - f.r.Holds[i].weight())
	f.r.Holds[i] = h
}

// takeHold removes and returns a hold. With the last one goes what the holds
// had in common.
func (f *Fold) takeHold(i int) Hold {
	h := f.r.Holds[i]
	f.change(-h.weight())
	f.r.Holds = remove(f.r.Holds, i)
	if len(f.r.Holds) == 0 {
		f.r.Mode, f.r.Size = "", 0
	}
	return h
}

// addWaiter puts w at its place in the queue, which is its arrival.
func (f *Fold) addWaiter(w Waiter) {
	f.change(w.weight())
	i := len(f.r.Waiters)
	for i > 0 && f.r.Waiters[i-1].Arrival > w.Arrival {
		i--
	}
	f.r.Waiters = slices.Insert(f.r.Waiters, i, w)
}

func (f *Fold) setWaiter(i int, w Waiter) {
	f.change(w.weight() - f.r.Waiters[i].weight())
	f.r.Waiters[i] = w
}

func (f *Fold) takeWaiter(i int) Waiter {
	w := f.r.Waiters[i]
	f.change(-w.weight())
	f.r.Waiters = remove(f.r.Waiters, i)
	return w
}

func (f *Fold) addSet(s Set) {
	f.change(s.weight())
	f.r.Sets = append(f.r.Sets, s)
}

func (f *Fold) setSet(i int, s Set) {
	f.change(s.weight() - f.r.Sets[i].weight())
	f.r.Sets[i] = s
}

func (f *Fold) takeSet(i int) Set {
	s := f.r.Sets[i]
	f.change(-s.weight())
	f.r.Sets = remove(f.r.Sets, i)
	return s
}

// remember notes how attempts ended, and forgets the oldest for them.
func (f *Fold) remember(end End, attempts ...Attempt) {
	f.change(0)
	if len(attempts) > 0 {
		f.r.Ended = f.r.Ended.With(end, attempts...)
	}
}

// reply answers the command's caller.
func (f *Fold) reply(r schema.Reply) { f.out.Reply = &r }

// answer decides a waiting attempt.
func (f *Fold) answer(w *Waiter, r schema.Reply) {
	f.out.Answers = append(f.out.Answers, Answer{Attempt: w.Attempt, Inbox: w.Inbox, Reply: r})
}

// happened tells of an event.
func (f *Fold) happened(e Event) { f.out.Events = append(f.out.Events, e) }
