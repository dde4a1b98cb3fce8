package service_test

import (
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

// An attempt is what it was first: what its repeat says of a session, which may
// have ended meanwhile, is not looked at.
func TestARepeatIsNotJudgedByItsSession(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.open("c", "stays")
		b.open("d", "anothers")
		one := &schema.Acquire{Name: "a", Owner: "o", Session: "s", Request: "r"}
		all := &schema.Acquire{Names: []string{"b", "c"}, Owner: "o", Session: "s", Request: "r"}
		token := b.as("c", one).want(schema.StatusGranted).Token
		tokens := b.as("c", all).want(schema.StatusGranted).Locks
		for _, name := range []string{"a", "b", "c"} {
			b.as("c", &schema.Acquire{Name: name, Owner: "o", Session: "stays"}).want(schema.StatusAlready)
		}
		b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK)
		for _, session := range []string{"s", "s/l", "nobody", "anothers", "stays", ""} {
			one.Session, all.Session = session, session
			if r := b.as("c", one).want(schema.StatusGranted); r.Token != token {
				t.Errorf("with %q: token %d, want %d", session, r.Token, token)
			}
			if r := b.as("c", all).want(schema.StatusGranted); len(r.Locks) != 2 || r.Locks[0].Token != tokens[0].Token || r.Locks[1].Token != tokens[1].Token {
				t.Errorf("with %q: %+v, want %+v", session, r.Locks, tokens)
			}
		}
		for session, want := range map[string]schema.Status{
			"s": schema.StatusCanceled, "s/l": schema.StatusCanceled, "nobody": schema.StatusSessionExpired, "anothers": schema.StatusDenied,
		} {
			b.as("c", &schema.Acquire{Name: "d", Session: session}).want(want)
			b.as("c", &schema.Acquire{Name: "d", Session: session, Request: "new"}).want(want)
			b.as("c", &schema.Acquire{Names: []string{"d", "e"}, Session: session, Request: "new"}).want(want)
			b.as("c", &schema.Acquire{Name: "a", Owner: "o", Session: session, Request: "new"}).want(want)
		}
		b.wantHolders("d")
		b.as("c", &schema.Leave{Session: "stays"}).want(schema.StatusOK)
		b.as("c", one).want(schema.StatusNotHeld)
		b.as("c", all).want(schema.StatusNotHeld)
	})
}

// A repeat of a wait is answered once, when that is over, whatever it asks for.
func TestARepeatOfAWaitForSeveralNamesGoesOnWaiting(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		names := []string{"a", "b"}
		b.open("c", "s")
		b.open("c", "left")
		b.as("c", &schema.Leave{Session: "left"}).want(schema.StatusOK)
		b.as("c", &schema.Acquire{Names: names, Owner: "o", Session: "s", Request: "r", Wait: 60_000, Mode: schema.ModeShared, Size: 3})
		b.settle()
		var last *pending
		for _, again := range []*schema.Acquire{
			{Names: names, Request: "r"},
			{Names: names, Request: "r", Session: "left", Mode: schema.ModeShared, Size: 2},
			{Names: names, Request: "r", Session: "nobody", Owner: "other"},
		} {
			last = b.as("c", again)
			last.silent(time.Second)
		}
		b.wantWaiters("a", "c")
		b.unlock("a", token)
		if r := last.want(schema.StatusGranted); r.Owner != "o" || *r.TTL != 0 {
			t.Errorf("%+v", r)
		}
		for _, name := range names {
			if l := b.state(name); l.Mode != schema.ModeShared || l.Size != 3 || len(l.Holders[0].Sessions) != 1 || l.Holders[0].Sessions[0] != "s" {
				t.Errorf("%+v", l)
			}
		}
	})
}

// What waits is granted as it was first asked for, also when it is the repeat that
// finds the locks free.
func TestARepeatThatFindsAllFreeIsGrantedWhatWasAsked(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		names := []string{"a", "b"}
		b.open("c", "s")
		token := b.lock(&schema.Acquire{Name: "a"})
		dead := b.as("c", &schema.Acquire{Names: names, Owner: "o", Session: "s", Request: "r", Wait: 60_000})
		b.settle()
		dead.close()
		b.settle()
		b.unlock("a", token)
		b.settle() // granted, undone, and parked
		if r := b.as("c", &schema.Acquire{Names: names, Request: "r", TTL: ms(5000)}).want(schema.StatusGranted); r.Owner != "o" || *r.TTL != 0 {
			t.Errorf("%+v", r)
		}
	})
}

func TestACancelByAnotherNameIsToldToARepeat(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a"})
		m := &schema.Acquire{Names: []string{"a", "b"}, Client: "c", Request: "r", Wait: 60_000}
		b.send(m)
		b.settle()
		b.wantWaiters("a", "c")
		b.send(m).silent(time.Second)
		b.want(schema.StatusCanceled, &schema.Cancel{Name: "b", Client: "c", Request: "r"})
		b.want(schema.StatusCanceled, m)
		b.wantWaiters("a")
	})
}
