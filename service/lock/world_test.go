package lock

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
)

// world is one lock in a store of its own. All invariants are checked at every
// step.
type world struct {
	t        failer
	r        Record
	revision uint64
	last     Token // the last one granted
}

// failer is what testing.TB and *rapid.T have in common.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// do folds commands into one write, stores it if anything changed, and returns
// the sealed outcomes.
func (w *world) do(commands ...Command) []Outcome {
	w.t.Helper()
	outcomes, changed, err := w.fold(commands)
	if err != nil {
		w.t.Fatalf("%v", err)
	}
	if changed {
		w.store(outcomes)
	}
	return outcomes
}

// one does a single command.
func (w *world) one(c Command) Outcome {
	w.t.Helper()
	return w.do(c)[0]
}

// fold applies commands to w.r and checks each step.
func (w *world) fold(commands []Command) (outcomes []Outcome, changed bool, err error) {
	f := NewFold(w.r)
	for _, c := range commands {
		before := f.Record()
		stored := before.Append(nil)
		o := f.Apply(c)
		after := f.Record()
		err := errors.Join(brokenStep(before, c, after, o), broken(after), brokenReference(before, c, after, o))
		if !bytes.Equal(stored, before.Append(nil)) {
			err = errors.Join(err, errors.New("invariant 15: the record given was changed"))
		}
		if weight := after.weight(); weight != f.weight {
			err = errors.Join(err, fmt.Errorf("the fold thinks the record weighs %d, not %d", f.weight, weight))
		}
		if err != nil {
			return nil, false, fmt.Errorf("%w\nbefore  %+v\ncommand %T%+v\nafter   %+v\noutcome %+v", err, before, c, c, after, o)
		}
		outcomes = append(outcomes, o)
		changed = changed || o.Changed
	}
	if changed != f.Changed() {
		return nil, false, fmt.Errorf("fold says changed %v", f.Changed())
	}
	w.r = f.Record()
	return outcomes, changed, nil
}

// store makes w.r the next revision.
func (w *world) store(outcomes []Outcome) {
	w.t.Helper()
	w.revision++
	value := w.r.Append(nil)
	sealed := w.r.Seal(w.revision)
	if !bytes.Equal(value, w.r.Append(nil)) {
		w.t.Fatalf("invariant 15: Seal changed the record it was given")
	}
	read, err := Decode(value, w.revision)
	if err != nil || !reflect.DeepEqual(read, sealed) {
		w.t.Fatalf("invariant 16: %v\nread   %+v\nsealed %+v", err, read, sealed)
	}
	if err := broken(read); err != nil {
		w.t.Fatalf("sealed record: %v", err)
	}
	w.r = read
	for i := range outcomes {
		outcomes[i].Seal(w.revision)
		for _, e := range outcomes[i].Events {
			if e.Type != "granted" {
				continue
			}
			if e.Token <= w.last {
				w.t.Fatalf("invariant 4: token %d was granted after %d", e.Token, w.last)
			}
			w.last = e.Token
		}
	}
}
