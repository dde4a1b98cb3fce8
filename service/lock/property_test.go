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
		case Renew, Touch:
			return
		case Force:
			if c.Token == 0 {
				return
			}
		}
		w.do(c)
		switch c.(type) {
		case Acquire, Note, Retell: // answered again
			once := uncounted(w.r)
			for range MaxRepeats {
				w.do(c)
				if again := uncounted(w.r); !reflect.DeepEqual(again, once) {
					t.Fatalf("%+v changes more:\n%s", c, cmp.Diff(once, again, unexported))
				}
			}
		}
		once := w.r
		if o := w.one(c); o.Changed || !reflect.DeepEqual(w.r, once) {
			t.Fatalf("%T%+v changes again:\n%s", c, c, cmp.Diff(once, w.r, unexported))
		}
	})
}

// An answer that somebody may have heard keeps its hold, however many others
// found nobody, and whenever the news of these comes.
func TestOneAnswerThatWasHeardKeepsTheHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := &world{t: t, revision: 10}
		a := smallAcquire(1, "a", schema.ModeExclusive, 0, "")
		other := smallAcquire(2, "b", schema.ModeExclusive, 0, "")
		if rapid.Bool().Draw(t, "waits") {
			w.one(other)
			w.one(a)
			w.one(Release{Token: w.r.Holds[0].Token})
		} else {
			w.one(a)
		}
		hold := w.r.Holds[0]
		given, unheard := []uint8{0}, map[uint8]bool{}
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.Bool().Draw(t, "repeat") {
				given = append(given, w.one(a).Repeat)
			} else {
				n := rapid.SampledFrom(given).Draw(t, "answer")
				w.one(Undo{hold.Token, n})
				unheard[n] = true
			}
			lives := len(w.r.Holds) == 1
			if heard := len(unheard) < len(given); lives != (heard || len(given) > MaxRepeats) {
				t.Fatalf("answers %v, unheard %v: lives %v", given, unheard, lives)
			}
			if !lives {
				return
			}
		}
	})
}

// uncounted is r without what tells how often its holds were told of.
func uncounted(r Record) Record {
	r.Holds = slices.Clone(r.Holds)
	for i := range r.Holds {
		r.Holds[i].Waited, r.Holds[i].Repeats, r.Holds[i].Unheard = nil, 0, 0
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
