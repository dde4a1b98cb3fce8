package lock

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/natslock/natslock/schema"
)

func TestStateShowsHoldersAndWaiters(t *testing.T) {
	f := NewFold(Record{})
	f.At = 1_500
	for _, c := range []Command{
		Acquire{
			Attempt: 1, Client: "x", Owner: "a", Mode: schema.ModeShared, Size: 1, TTL: 10, At: 1_000,
			Session: Session{ID: "p", Epoch: 1}, Meta: schema.Meta(`{"a":1}`),
		},
		Acquire{Attempt: 2, Client: "x", Owner: "b", TTL: 10, Wait: 10, At: 2_000, Meta: schema.Meta(`{"b":1}`), Session: Session{ID: "q"}},
		Note{Set{Waiter: Waiter{Attempt: 3, Client: "y", Owner: "c", Mode: schema.ModeShared, QueuedAt: 3_000}, Names: []string{"l", "m"}}},
	} {
		f.Apply(c)
	}
	held := true
	want := schema.LockState{
		Held: &held, Mode: schema.ModeShared, Size: 1,
		Holders: []schema.Holder{{
			Owner: "a", Client: "x", Sessions: []string{"p"}, Token: 9 * 256, TTL: 10,
			GrantedAt: time.Unix(1, 500_000_000).UTC(), Meta: schema.Meta(`{"a":1}`),
		}},
		Waiters: []schema.Waiter{
			{Owner: "b", Client: "x", Session: "q", Mode: schema.ModeExclusive, QueuedAt: time.Unix(2, 0).UTC(), Meta: schema.Meta(`{"b":1}`)},
			{Owner: "c", Client: "y", Mode: schema.ModeShared, QueuedAt: time.Unix(3, 0).UTC()},
		},
	}
	if diff := cmp.Diff(want, f.Record().Seal(9).State()); diff != "" {
		t.Error(diff)
	}
	held = false
	if diff := cmp.Diff(schema.LockState{Held: &held}, Record{}.State()); diff != "" {
		t.Error(diff)
	}
}

// A reply has to stay within schema.MaxReply, also when its texts take six
// bytes for one in JSON.
func TestRepliesShowTheFirstHolders(t *testing.T) {
	many := make([]Hold, 1000)
	for i := range many {
		many[i] = Hold{Owner: fmt.Sprint(i), GrantedAt: 1}
	}
	if got := shown(many); len(got) != maxShown || got[maxShown-1].Owner != "63" {
		t.Errorf("%d holders, the last is %q", len(got), got[len(got)-1].Owner)
	}
	escaped := strings.Repeat("\x01", 128)
	worst := Hold{Owner: escaped, Client: escaped, Meta: make(schema.Meta, schema.MaxMeta), GrantedAt: 1}
	for range MaxSessions {
		worst.Sessions = append(worst.Sessions, Session{ID: escaped})
	}
	for i := range many {
		many[i] = worst
	}
	got := shown(many)
	if len(got) == 0 || len(got[0].Sessions) != maxShownSessions {
		t.Fatalf("%d holders, %d sessions", len(got), len(got[0].Sessions))
	}
	reply := schema.Reply{Status: schema.StatusHeld, Message: "m", Holders: got}
	for i := range reply.Holders {
		reply.Holders[i].Meta = nil // counted as it is: it is JSON already
	}
	if size := len(schema.Append(nil, schema.JSON, &reply)) + len(got)*schema.MaxMeta; size > schema.MaxReply {
		t.Errorf("%d bytes", size)
	}
}

func TestGrantTimesAreThoseOfTheWrite(t *testing.T) {
	f := NewFold(Record{})
	f.Apply(Acquire{Attempt: 1, Owner: "a", TTL: 10, At: 100})
	f.Apply(Acquire{Attempt: 2, Owner: "b", TTL: 10, At: 200, Wait: 10})
	if at := f.Record().Holds[0].GrantedAt; at != 100 {
		t.Errorf("granted at %d without a time of the write", at)
	}
	g := NewFold(f.Record())
	g.At = 900
	o := g.Apply(Release{Owner: "a"})
	e := o.Events[1]
	if e.Type != schema.EventGranted || e.QueuedAt != 200 || e.GrantedAt != 900 || g.Record().Holds[0].GrantedAt != 900 {
		t.Errorf("%+v", e)
	}
}
