package service_test

import (
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// A copy of a leave that comes late ends no later opening of the same id.
func TestALeaveWithAnEpochEndsThatOpening(t *testing.T) {
	inBubble(t, func(b *bubble) {
		leave := func(session string, epoch uint64, ended int64) {
			t.Helper()
			b.settle() // a hold counts as soon as it is known, which is after its grant is told
			if r := b.as("c", &schema.Leave{Session: session, Epoch: epoch}).want(schema.StatusOK); *r.Count != ended {
				t.Errorf("%d holds of %s ended, want %d", *r.Count, session, ended)
			}
		}
		first := b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 1}).want(schema.StatusOK).Epoch
		b.present("c", "s", "a")
		b.present("c", "s/l", "b")
		leave("s/l", first+1, 0)
		b.wantHolders("b", "c")
		leave("s/l", first, 1)
		leave("s", first, 1)
		second := b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 2}).want(schema.StatusOK).Epoch
		b.present("c", "s", "a")
		b.present("c", "s/l", "b")
		leave("s", first, 0)
		leave("s/l", first, 0)
		b.wantHolders("a", "c")
		b.wantHolders("b", "c")
		b.as("d", &schema.Leave{Session: "s", Epoch: first}).want(schema.StatusDenied)
		leave("s", second, 2)
		b.wantHolders("a")
		b.wantHolders("b")
	})
}

// Of several leaves at one time only the one that ends the session tells how many
// holds have ended with it.
func TestOnlyTheLeaveThatEndsCounts(t *testing.T) {
	inBubble(t, func(b *bubble) {
		epoch := b.open("c", "s")
		b.present("c", "s", "a")
		b.settle()
		b.sessions.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: time.Second} })
		kept := b.as("c", &schema.Keepalive{Session: "s"})
		b.settle()
		late := b.as("c", &schema.Leave{Session: "s", Epoch: epoch + 1})
		b.settle()
		leave := b.as("c", &schema.Leave{Session: "s", Epoch: epoch})
		kept.want(schema.StatusOK)
		if n := *late.want(schema.StatusOK).Count; n != 0 {
			t.Errorf("the late one ended %d", n)
		}
		if n := *leave.want(schema.StatusOK).Count; n != 1 {
			t.Errorf("%d ended", n)
		}
	})
}

// Whoever has waited too long for the store is told so; who asked together with
// him is answered what he asked himself.
func TestEachIsAnsweredItsOwnAfterAnOutage(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		b.launchOn(lazyStore{b.sessions})
		b.sessions.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: 3 * time.Second} })
		opened := b.as("c", &schema.Keepalive{Session: "s", Create: true})
		b.pass(500 * time.Millisecond)
		early := b.as("d", &schema.Keepalive{Session: "s"})
		b.pass(2 * time.Second)
		late := b.as("c", &schema.Leave{Session: "s", Epoch: 99})
		opened.want(schema.StatusOK)
		b.sessionsDown(true)
		early.want(schema.StatusUnavailable)
		b.sessionsDown(false)
		late.want(schema.StatusOK)
	})
}

// What the store loses, or does late, counts when it is done.
func TestALeaveCountsOverAnOutage(t *testing.T) {
	for _, kind := range []bustest.Kind{bustest.Conflict, bustest.Unavailable, bustest.Lost, bustest.LostAck, bustest.Late} {
		inBubble(t, func(b *bubble) {
			b.open("c", "s")
			b.present("c", "s", "a")
			b.present("c", "s/l", "b")
			b.settle()
			b.script(repeated(5, bustest.Fault{Kind: kind})...)
			if n := *b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK).Count; n != 2 {
				t.Errorf("after faults of the kind %d: %d holds ended", kind, n)
			}
			b.wantHolders("a")
			b.wantHolders("b")
		})
	}
}
