package lock

import (
	"fmt"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
)

// crowd is an acquire by the n-th of many.
func crowd(n int, mode schema.Mode) Acquire {
	return Acquire{
		Attempt: Identify("crowd", fmt.Sprint(n)), Client: "crowd", Owner: fmt.Sprintf("owner-%d", n),
		Mode: mode, TTL: 30_000, Wait: 10_000, Inbox: Inbox{Subject: fmt.Sprintf("_INBOX.%032d", n)},
	}
}

// status is that of a reply, or "" for none.
func status(o Outcome) schema.Status {
	if o.Reply == nil {
		return ""
	}
	return o.Reply.Status
}

func wantStatus(t *testing.T, o Outcome, want schema.Status) {
	t.Helper()
	if got := status(o); got != want {
		t.Fatalf("status %q, want %q: %+v", got, want, o.Reply)
	}
}

// fill folds acquires until the first that is not like the others, and returns
// the record, sealed, with the number of those.
func fill(t *testing.T, acquire func(n int) Acquire, like schema.Status) (Record, int) {
	t.Helper()
	r := Record{}
	for n := range 2 * MaxEntries {
		f := NewFold(r)
		o := f.Apply(acquire(n))
		r = f.Record().Seal(uint64(n + 1))
		if status(o) != like {
			wantStatus(t, o, schema.StatusLimit)
			if err := broken(r); err != nil || o.Changed {
				t.Fatalf("at the bound: %v", err)
			}
			return r, n
		}
	}
	t.Fatalf("no bound in sight")
	return r, 0
}

func TestARecordHasAThousandEntries(t *testing.T) {
	r, n := fill(t, func(n int) Acquire { return crowd(n, schema.ModeShared) }, schema.StatusGranted)
	if n != MaxEntries {
		t.Fatalf("%d entries", n)
	}
	// Not even to wait, nor for several names.
	_, o := Step(r, crowd(n, schema.ModeExclusive))
	wantStatus(t, o, schema.StatusLimit)
	_, o = Step(r, Note{Set{Waiter: Waiter{Attempt: 1, Owner: "x"}, Names: []string{"a", "b"}}})
	wantStatus(t, o, schema.StatusLimit)
	// Who is in already may come again, and whoever leaves makes room.
	again := crowd(0, schema.ModeShared)
	again.Attempt++
	_, o = Step(r, again)
	wantStatus(t, o, schema.StatusAlready)
	r, o = Step(r, Release{Token: r.Holds[500].Token})
	wantStatus(t, o, schema.StatusReleased)
	_, o = Step(r, crowd(n, schema.ModeShared))
	wantStatus(t, o, schema.StatusGranted)
}

func TestWaitersOfAFullRecordGetTheirTurn(t *testing.T) {
	r, _ := Step(Record{}, crowd(0, schema.ModeExclusive))
	r = r.Seal(1)
	n := 1
	for ; n <= MaxEntries; n++ {
		a := crowd(n, schema.ModeShared)
		a.Meta = schema.Meta(`{"a":"` + strings.Repeat("x", 3000) + `"}`)
		after, o := Step(r, a)
		if o.Reply != nil {
			wantStatus(t, o, schema.StatusLimit)
			break
		}
		r = after
	}
	if n < 50 || n > MaxEntries {
		t.Fatalf("full with %d waiters", n)
	}
	// Nor may anybody join with much.
	holder := crowd(0, schema.ModeExclusive)
	holder.Attempt++
	holder.Meta = schema.Meta(`{"a":"` + strings.Repeat("x", 4000) + `"}`)
	_, o := Step(r, holder)
	wantStatus(t, o, schema.StatusLimit)

	longer := crowd(1, schema.ModeShared)
	longer.Inbox.Subject = strings.Repeat("long", 1000)
	_, o = Step(r, longer)
	wantStatus(t, o, schema.StatusLimit)

	r, o = Step(r, Release{Token: r.Holds[0].Token})
	if len(o.Answers) != n-1 || len(r.Holds) != n-1 {
		t.Fatalf("%d of %d waiters are let in", len(o.Answers), n-1)
	}
	r = r.Seal(2)
	if err := broken(r); err != nil {
		t.Fatal(err)
	}

	// And back again.
	for i := 1; i < n; i++ {
		r, o = Step(r, Undo{Token: r.Holds[0].Token})
		if !o.Changed {
			t.Fatalf("undo %d does nothing", i)
		}
	}
	if err := broken(r); err != nil || len(r.Waiters) != n-1 {
		t.Fatalf("%d waiters are back: %v", len(r.Waiters), err)
	}
}

func TestAWriteHasSoManyGrants(t *testing.T) {
	r, _ := Step(Record{}, crowd(0, schema.ModeExclusive))
	r = r.Seal(1)
	for n := 1; n <= MaxGrants+10; n++ {
		r, _ = Step(r, crowd(n, schema.ModeShared))
	}
	f := NewFold(r)
	if f.Full() {
		t.Fatal("full before the first command")
	}
	o := f.Apply(Release{Token: r.Holds[0].Token})
	if len(o.Answers) != MaxGrants || !f.Full() || !f.Record().Promotable() {
		t.Fatalf("%d answers, full %v", len(o.Answers), f.Full())
	}
	// Nothing else is granted in this write, and nothing of it is lost.
	wantStatus(t, f.Apply(Release{Owner: "owner-1", Client: "crowd"}), schema.StatusReleased)
	r = f.Record()
	if last := r.Holds[len(r.Holds)-1].Token; last != MaxGrants-1 || len(r.Waiters) != 10 {
		t.Fatalf("the last index is %d, and %d wait", last, len(r.Waiters))
	}
	r = r.Seal(2)
	if !r.Promotable() {
		t.Fatal("not promotable")
	}
	r, o = Step(r, Promote{})
	if len(o.Answers) != 10 || o.Reply != nil || r.Promotable() {
		t.Fatalf("%d answers more", len(o.Answers))
	}
}

func TestAWriteFullOfGrantsLetsNobodyIn(t *testing.T) {
	f := NewFold(Record{})
	for n := range MaxGrants {
		if full := f.Full(); full != (n >= MaxGrants*3/4) {
			t.Fatalf("full %v after %d grants", full, n)
		}
		wantStatus(t, f.Apply(crowd(n, schema.ModeShared)), schema.StatusGranted)
	}
	at := crowd(1000, schema.ModeShared)
	at.Wait = 0
	wantStatus(t, f.Apply(at), schema.StatusLimit)
	wantStatus(t, f.Apply(crowd(1001, schema.ModeShared)), "")
	r := f.Record().Seal(7)
	if !r.Promotable() || r.Holds[MaxGrants-1].Token != 7*256+255 {
		t.Fatalf("promotable %v, last token %d", r.Promotable(), r.Holds[MaxGrants-1].Token)
	}
	_, o := Step(r, Promote{})
	if len(o.Answers) != 1 {
		t.Fatalf("%d answers", len(o.Answers))
	}
}

func TestOldEndsAreForgotten(t *testing.T) {
	f := NewFold(Record{})
	for n := range MaxEnded + 44 {
		f.Apply(Cancel{Attempt: Attempt(n + 1)})
	}
	r := f.Record()
	if r.Ended.Len() != MaxEnded || r.Ended.At(0).Attempt != 45 || r.Ended.At(MaxEnded-1).Attempt != MaxEnded+44 {
		t.Fatalf("%d ends, from %d to %d", r.Ended.Len(), r.Ended.At(0).Attempt, r.Ended.At(r.Ended.Len()-1).Attempt)
	}
	// One hold with as many attempts as it can have pushes out all others.
	for n := range MaxAttempts {
		f.Apply(Acquire{Attempt: Attempt(10_000 + n), Owner: "a", TTL: 10})
	}
	f.Apply(Release{Owner: "a"})
	r = f.Record()
	if r.Ended.Len() != MaxEnded || r.Ended.At(0) != (Ended{10_000, EndHold}) {
		t.Fatalf("%d ends, from %+v", r.Ended.Len(), r.Ended.At(0))
	}
}

func TestAHoldRemembersItsGrantAndTheLastThatJoined(t *testing.T) {
	f := NewFold(Record{})
	for n := range MaxAttempts + 5 {
		f.Apply(Acquire{Attempt: Attempt(n + 1), Owner: "a", TTL: 10})
	}
	h := f.Record().Holds[0]
	if len(h.Attempts) != MaxAttempts || h.Attempts[0] != 1 || h.Attempts[1] != 7 || h.Attempts[MaxAttempts-1] != MaxAttempts+5 {
		t.Fatalf("%d attempts: %v", len(h.Attempts), h.Attempts)
	}
}

func TestAHoldHasAThousandSessions(t *testing.T) {
	join := func(n int) Acquire {
		return Acquire{Attempt: Attempt(n + 1), Owner: "a", Session: Session{ID: fmt.Sprintf("p/%d", n), Epoch: 1}}
	}
	r, n := Record{}, 0
	for ; ; n++ {
		after, o := Step(r, join(n))
		if status(o) == schema.StatusLimit {
			break
		}
		r = after
	}
	if n != MaxSessions {
		t.Fatalf("%d sessions", n)
	}
	known := join(3)
	known.Attempt, known.Session.Epoch = 5000, 2
	r, o := Step(r, known)
	wantStatus(t, o, schema.StatusAlready)
	if len(r.Holds[0].Sessions) != MaxSessions || r.Holds[0].Sessions[3].Epoch != 2 {
		t.Fatalf("%d sessions, %+v", len(r.Holds[0].Sessions), r.Holds[0].Sessions[3])
	}
}

func TestMergedMetaIsBounded(t *testing.T) {
	half := func(key string) schema.Meta {
		return schema.Meta(`{"` + key + `":"` + strings.Repeat("x", schema.MaxMeta/2) + `"}`)
	}
	r, _ := Step(Record{}, Acquire{Attempt: 1, Owner: "a", TTL: 10, Meta: half("a")})
	_, o := Step(r, Acquire{Attempt: 2, Owner: "a", TTL: 10, Meta: half("b")})
	wantStatus(t, o, schema.StatusLimit)
	if o.Changed {
		t.Fatal("changed")
	}
	// A waiter of the same owner is told so, and its attempt is not remembered.
	f := NewFold(Record{})
	f.Apply(Acquire{Attempt: 1, Owner: "a", TTL: 10})
	f.Apply(Acquire{Attempt: 2, Owner: "b", TTL: 10, Wait: 10, Meta: half("a")})
	f.Apply(Acquire{Attempt: 3, Owner: "b", TTL: 10, Wait: 10, Meta: half("b")})
	o = f.Apply(Release{Owner: "a"})
	if len(o.Answers) != 2 || o.Answers[0].Reply.Status != schema.StatusGranted || o.Answers[1].Reply.Status != schema.StatusLimit {
		t.Fatalf("%+v", o.Answers)
	}
	if p := f.Record().FindAttempt(3); p != Nowhere {
		t.Fatalf("attempt 3 is in place %d", p)
	}
	if e := o.Events[len(o.Events)-1]; e.Type != schema.EventCanceled || e.Reason != "limit" {
		t.Fatalf("%+v", e)
	}
}

func TestACancelThatIsBarredIsNotRemembered(t *testing.T) {
	barred := &schema.Reply{Status: schema.StatusLimit}
	before, _ := Step(Record{}, Acquire{Attempt: 1, Owner: "a", TTL: 10})
	after, o := Step(before, Cancel{Attempt: 2, Barred: barred})
	wantStatus(t, o, schema.StatusLimit)
	if o.Changed || after.FindAttempt(2) != Nowhere {
		t.Errorf("it changed the record to %+v", after)
	}
	_, o = Step(before, Cancel{Attempt: 1, Barred: barred})
	wantStatus(t, o, schema.StatusReleased)
}

func TestAFoldTellsByHowMuchTheRecordGrows(t *testing.T) {
	f := NewFold(Record{})
	f.Apply(Acquire{Attempt: 1, Owner: "a", TTL: 10, Meta: schema.Meta(`{"k":1}`)})
	if f.Grown() <= len(`{"k":1}`) {
		t.Errorf("a hold made it grow by %d", f.Grown())
	}
	f.Apply(Release{Owner: "a"})
	if f.Grown() != 0 {
		t.Errorf("a hold that came and went made it grow by %d", f.Grown())
	}
}
