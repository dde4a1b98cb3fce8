package service_test

import (
	"testing"

	"github.com/natslock/natslock/schema"
)

func ms(n int64) *int64 { return &n }

func TestRequestLocksAndReleases(t *testing.T) {
	s := start(t, t.TempDir(), nil, nil)
	got := s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a", Client: "x"}), schema.StatusGranted)
	if got.Token < 1<<32 || got.Name != "a" || *got.TTL != 30000 || *got.Count != 1 {
		t.Errorf("reply %+v", got)
	}
	held := s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a", Client: "y"}), schema.StatusHeld)
	if len(held.Holders) != 1 || held.Holders[0].Client != "x" || held.Holders[0].Token != got.Token {
		t.Errorf("holders %+v", held.Holders)
	}
	s.want(s.ask(schema.VerbRelease, &schema.Release{Name: "a", Token: got.Token + 1}), schema.StatusNotHeld)
	s.want(s.ask(schema.VerbRelease, &schema.Release{Name: "a", Token: got.Token}), schema.StatusReleased)
	s.want(s.ask(schema.VerbRelease, &schema.Release{Name: "a", Token: got.Token}), schema.StatusNotHeld)
	again := s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a", Client: "y"}), schema.StatusGranted)
	if again.Token <= got.Token {
		t.Errorf("token %d after %d", again.Token, got.Token)
	}
}

func TestReleaseGrantsWaitersInOrderOfArrival(t *testing.T) {
	s := start(t, t.TempDir(), nil, nil)
	first := s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a"}), schema.StatusGranted)
	second := s.send(schema.VerbAcquire, &schema.Acquire{Name: "a", Wait: 60_000})
	third := s.send(schema.VerbAcquire, &schema.Acquire{Name: "a", Wait: 60_000})
	s.want(s.ask(schema.VerbRelease, &schema.Release{Name: "a", Token: first.Token}), schema.StatusReleased)
	two := s.want(s.reply(second), schema.StatusGranted)
	s.want(s.ask(schema.VerbRelease, &schema.Release{Name: "a", Token: two.Token}), schema.StatusReleased)
	three := s.want(s.reply(third), schema.StatusGranted)
	if first.Token >= two.Token || two.Token >= three.Token {
		t.Errorf("tokens %d %d %d do not grow", first.Token, two.Token, three.Token)
	}
}

func TestSeveralNamesAreAcquiredAllOrNone(t *testing.T) {
	s := start(t, t.TempDir(), nil, nil)
	b := s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "b"}), schema.StatusGranted)
	names := []string{"c", "a", "b"}
	held := s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Names: names}), schema.StatusHeld)
	if held.Name != "b" {
		t.Errorf("busy name %q", held.Name)
	}
	state := s.want(s.ask(schema.VerbInspect, &schema.Inspect{Names: names}), schema.StatusOK)
	if *state.Locks[0].Held || *state.Locks[1].Held || !*state.Locks[2].Held {
		t.Errorf("state %+v", state.Locks)
	}
	waiting := s.send(schema.VerbAcquire, &schema.Acquire{Names: names, Wait: 60_000, Client: "w", Request: "r", Owner: "o"})
	s.want(s.ask(schema.VerbRelease, &schema.Release{Name: "b", Token: b.Token}), schema.StatusReleased)
	all := s.want(s.reply(waiting), schema.StatusGranted)
	if len(all.Locks) != 3 || all.Locks[0].Name != "c" || all.Locks[0].Token == 0 {
		t.Errorf("locks %+v", all.Locks)
	}
	over := s.want(s.ask(schema.VerbRelease, &schema.Release{Names: names, Client: "w", Owner: "o"}), schema.StatusOK)
	for _, l := range over.Locks {
		if l.Status != schema.StatusReleased {
			t.Errorf("release %+v", l)
		}
	}
}

func TestHoldEndsWithItsTTL(t *testing.T) {
	s := start(t, t.TempDir(), nil, nil)
	s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a", TTL: ms(50)}), schema.StatusGranted)
	next := s.send(schema.VerbAcquire, &schema.Acquire{Name: "a", Wait: 10_000})
	s.want(s.reply(next), schema.StatusGranted)
}

func TestWaitTimesOut(t *testing.T) {
	s := start(t, t.TempDir(), nil, nil)
	s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a"}), schema.StatusGranted)
	s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a", Wait: 50}), schema.StatusTimeout)
}

func TestGrantThatNobodyHearsIsUndone(t *testing.T) {
	s := start(t, t.TempDir(), nil, nil)
	one := s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: "a"}), schema.StatusGranted)
	gone := s.caller.NewInbox()
	sub, err := s.caller.SubscribeSync(gone)
	if err != nil {
		t.Fatal(err)
	}
	s.sendTo(gone, schema.VerbAcquire, &schema.Acquire{Name: "a", Wait: 60_000})
	next := s.send(schema.VerbAcquire, &schema.Acquire{Name: "a", Wait: 60_000})
	if err := sub.Unsubscribe(); err != nil {
		t.Fatal(err)
	}
	s.want(s.ask(schema.VerbRelease, &schema.Release{Name: "a", Token: one.Token}), schema.StatusReleased)
	s.want(s.reply(next), schema.StatusGranted)
}

func TestListGivesHeldLocksSortedWithCursor(t *testing.T) {
	s := start(t, t.TempDir(), nil, nil)
	for _, name := range []string{"b", "a", "d", "c", "other"} {
		s.want(s.ask(schema.VerbAcquire, &schema.Acquire{Name: name, Client: "x"}), schema.StatusGranted)
	}
	var names []string
	cursor := ""
	for {
		r := s.want(s.ask(schema.VerbList, &schema.List{Limit: ms(2), Cursor: cursor, Holder: "x"}), schema.StatusOK)
		for _, l := range r.Locks {
			names = append(names, l.Name)
		}
		if cursor = r.Cursor; cursor == "" {
			break
		}
	}
	if len(names) != 5 || names[0] != "a" || names[4] != "other" {
		t.Errorf("names %q", names)
	}
}
