package lock

import (
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/natslock/natslock/schema"
	"pgregory.net/rapid"
)

// The world checks all invariants that one step can show, and the reference.
func TestEveryStepKeepsTheInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		drawWorld(t)
	})
}

// Invariant 11.
func TestCommandsSaidTwiceDoWhatTheyDoOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		c := drawCommand(t, w.r)
		switch c := c.(type) {
		case Renew:
			return
		case Force:
			if c.Token == 0 {
				return
			}
		}
		w.do(c)
		if _, ok := c.(Acquire); ok {
			// The first repeat is the end of undos, and changes nothing else.
			once := undoable(w.r)
			w.do(c)
			if again := undoable(w.r); !reflect.DeepEqual(again, once) {
				t.Fatalf("%+v changes more:\n%s", c, cmp.Diff(once, again, unexported))
			}
		}
		once := w.r
		if o := w.one(c); o.Changed || !reflect.DeepEqual(w.r, once) {
			t.Fatalf("%T%+v changes again:\n%s", c, c, cmp.Diff(once, w.r, unexported))
		}
	})
}

// undoable is r without what tells whether an undo ends its holds.
func undoable(r Record) Record {
	r.Holds = slices.Clone(r.Holds)
	for i := range r.Holds {
		r.Holds[i].Inbox, r.Holds[i].Waited = Inbox{}, nil
	}
	return r
}

var unexported = cmp.AllowUnexported(Record{})

// Invariant 15, also for records that have a past in common.
func TestOneRecordHasManyFutures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		c := drawCommand(t, w.r)
		said := spoken(c)
		one, _ := Step(w.r, c)
		seen := string(one.Append(nil))
		if spoken(c) != said {
			t.Fatalf("a command changed: %+v", c)
		}
		f := NewFold(w.r)
		for _, c := range drawCommands(t, w.r) {
			f.Apply(c)
			kept := f.Record()
			before := string(kept.Append(nil))
			f.Apply(drawCommand(t, w.r))
			if string(kept.Append(nil)) != before {
				t.Fatalf("a record changed that the fold had given away")
			}
		}
		if string(one.Append(nil)) != seen {
			t.Fatalf("a record changed by another future of its past")
		}
	})
}

// spoken is all there is to a command.
func spoken(c Command) string {
	text := fmt.Sprintf("%#v", c)
	if a, ok := c.(Acquire); ok && a.Waited != nil {
		text += fmt.Sprintf("%#v", *a.Waited)
	}
	return text
}

// Invariant 17.
func TestFoldingIsStepping(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWorld(t)
		commands := make([]Command, rapid.IntRange(2, 8).Draw(t, "folded"))
		for i := range commands {
			commands[i] = drawCommand(t, w.r)
		}
		folded := *w
		together := folded.do(commands...)
		var apart []Outcome
		for _, c := range commands {
			apart = append(apart, w.one(c))
		}
		grants := order{}
		if diff := cmp.Diff(grants.of(together, folded.r), order{}.of(apart, w.r), unexported); diff != "" {
			t.Fatalf("folded -, apart +\n%s", diff)
		}
	})
}

// order numbers the tokens of two histories alike: by the order of the grants.
type order map[Token]Token

func (n order) token(t Token) Token {
	if k, ok := n[t]; ok {
		return k
	}
	return t
}

func (n order) reply(r *schema.Reply) {
	r.Token = uint64(n.token(Token(r.Token)))
	for i := range r.Holders {
		r.Holders[i].Token = uint64(n.token(Token(r.Holders[i].Token)))
	}
}

// told is what a history says and leaves behind.
type told struct {
	Outcomes []Outcome
	Record   Record
}

// of returns a history with the tokens of its own grants numbered from 1, and
// without its own revisions.
func (n order) of(outcomes []Outcome, r Record) told {
	for _, o := range outcomes {
		for _, e := range o.Events {
			if e.Type == schema.EventGranted {
				n[e.Token] = Token(len(n) + 1)
			}
		}
	}
	for _, o := range outcomes {
		if o.Reply != nil {
			n.reply(o.Reply)
		}
		for i := range o.Answers {
			n.reply(&o.Answers[i].Reply)
		}
		for i := range o.Events {
			o.Events[i].Token = n.token(o.Events[i].Token)
		}
	}
	r = r.Seal(1)
	for i := range r.Holds {
		r.Holds[i].Token = n.token(r.Holds[i].Token)
		r.Holds[i].Renewed = 0
	}
	return told{outcomes, r}
}
