package lock

import (
	"reflect"
	"testing"

	"github.com/natslock/natslock/schema"
)

// Invariant 21. A repeat is not judged by what has become of its session.
func TestABarredAcquireIsARepeatOrNothing(t *testing.T) {
	barred := refusal(schema.StatusCanceled, "the session has left")
	with := func(attempt Attempt) Acquire {
		return Acquire{Attempt: attempt, Client: "c", Owner: "a", TTL: 10, Wait: 10, Barred: &barred, Inbox: Inbox{Subject: "new"}}
	}
	r, _ := Step(Record{}, Acquire{Attempt: 1, Client: "c", Owner: "a", TTL: 10})
	r, _ = Step(r.Seal(1), Acquire{Attempt: 2, Client: "c", Owner: "b", TTL: 10, Wait: 10})
	if _, o := Step(r, with(1)); o.Reply.Status != schema.StatusGranted || o.Reply.Token != uint64(r.Holds[0].Token) {
		t.Errorf("a repeat of the hold: %+v", o.Reply)
	}
	if after, o := Step(r, with(2)); o.Reply != nil || after.Waiters[0].Inbox.Subject != "new" {
		t.Errorf("a repeat of the wait: %+v, %+v", o.Reply, after.Waiters)
	}
	for name, r := range map[string]Record{"free": {}, "of its owner": r} {
		if _, o := Step(r, with(3)); o.Changed || !reflect.DeepEqual(*o.Reply, barred) {
			t.Errorf("%s: %+v", name, o)
		}
	}
}

// What means the same is stored as the same, so that a record is read as it was
// written.
func TestAcquiresAreStoredInOneWay(t *testing.T) {
	odd := Acquire{Attempt: 1, Owner: "a", Size: 5, TTL: 10, Wait: 10, Meta: schema.Meta{}, Session: Session{Epoch: 3}}
	plain := Acquire{Attempt: 1, Owner: "a", Mode: schema.ModeExclusive, TTL: 10, Wait: 10}
	taken, _ := Step(Record{}, Acquire{Attempt: 2, Owner: "b", TTL: 10})
	for name, r := range map[string]Record{"granted": {}, "queued": taken} {
		got, _ := Step(r, odd)
		want, _ := Step(r, plain)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\n%+v", name, got, want)
		}
	}
	noted, _ := Step(Record{}, Note{Set{Waiter: Waiter{Attempt: 1, Meta: schema.Meta{}, Size: 5}, Names: []string{"a", "b"}}})
	read, err := Decode(noted.Append(nil), 9)
	if err != nil || !reflect.DeepEqual(read, noted.Seal(9)) {
		t.Errorf("noted: %v\n%+v\n%+v", err, read, noted)
	}
}

// Whoever would wait without end waits, too.
func TestAWaitWithoutEndIsAWait(t *testing.T) {
	r, _ := Step(Record{}, Acquire{Attempt: 1, Client: "c", Owner: "a", TTL: 10})
	for _, wait := range []int64{10, schema.WaitForever} {
		after, o := Step(r, Acquire{Attempt: 2, Client: "c", Owner: "b", TTL: 10, Wait: wait})
		if o.Reply != nil || len(after.Waiters) != 1 || after.Waiters[0].Wait != wait {
			t.Errorf("%d: %+v, %+v", wait, o.Reply, after.Waiters)
		}
	}
	if after, o := Step(r, Acquire{Attempt: 2, Client: "c", Owner: "b", TTL: 10}); o.Reply.Status != schema.StatusHeld || o.Changed {
		t.Errorf("%+v, %+v", o.Reply, after.Waiters)
	}
}
