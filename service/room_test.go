package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// knows fails the test unless every worker knows so many presences, and so many
// leaves that have left.
func (b *bubble) knows(presences, left int) {
	b.t.Helper()
	b.settle()
	for i, w := range b.workers {
		if _, p, l := w.worker.Room(); !w.ended && (p != presences || l != left) {
			b.t.Errorf("worker %d knows %d presences and %d leaves that left, want %d and %d", i, p, l, presences, left)
		}
	}
}

// One client cannot take the room of all.
func TestAClientHasABoundOfSessions(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		for range 2 {
			b.start(b.store, &service.Config{ClientSessions: 3})
		}
		n := uint64(0)
		create := func(client, session string) *schema.Reply {
			t.Helper()
			defer b.settle()
			n++
			return b.as(client, &schema.Keepalive{Session: session, Create: true, N: n}).reply()
		}
		want := func(status schema.Status, client, session string) {
			t.Helper()
			if r := create(client, session); r.Status != status {
				t.Errorf("%s of %s: %s (%s), want %s", session, client, r.Status, r.Message, status)
			}
		}
		for i := range 3 {
			want(schema.StatusOK, "c", fmt.Sprint("c", i))
			b.want(schema.StatusOK, &schema.Keepalive{Session: fmt.Sprint("plain", i), Create: true})
			b.settle()
		}
		for range 4 { // whichever worker it is that answers
			want(schema.StatusLimit, "c", "one more")
			want(schema.StatusOK, "c", "c0")
		}
		b.want(schema.StatusLimit, &schema.Keepalive{Session: "one more", Create: true})
		want(schema.StatusOK, "d", "d")
		b.present("c", "c1/leaf", "a")
		b.knows(7, 0)

		// What has left is remembered for a minute, and can be opened again meanwhile.
		b.as("c", &schema.Leave{Session: "c2"}).want(schema.StatusOK)
		b.settle()
		want(schema.StatusLimit, "c", "one more")
		want(schema.StatusOK, "c", "c2")
		b.as("c", &schema.Leave{Session: "c2"}).want(schema.StatusOK)
		b.keep("c", "c1", 75*time.Second) // the others fall silent first
		b.knows(1, 0)
		want(schema.StatusOK, "c", "one more")
		want(schema.StatusOK, "c", "two more")
		want(schema.StatusLimit, "c", "three more")
	})
}

// Room that was taken for an opening which was not stored is given back.
func TestAnOpeningThatFailsTakesNoRoom(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.sessions.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Kind: bustest.Unavailable} })
		b.as("c", &schema.Keepalive{Session: "s", Create: true}).want(schema.StatusUnavailable)
		b.pass(time.Second)
		b.sessions.Fail(nil)
		b.pass(time.Second)
		b.knows(0, 0)
		if known, _, _ := b.workers[0].worker.Room(); known != 0 {
			t.Errorf("%d sessions are known", known)
		}
	})
}

func TestRebuiltSessionsTakeRoom(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s/1", "a")
		b.present("c", "s/2", "b")
		b.settle()
		b.workers[0].stop(b.t)
		b.loseSessions()
		b.start(b.store, nil)
		b.knows(1, 0)
		b.pass(12 * time.Second)
		b.pass(time.Minute)
		b.knows(0, 0)
	})
}

// Leaves that leave are remembered as far as there is room. None is refused, also
// when there is no room for anything else.
func TestALeafMayAlwaysLeave(t *testing.T) {
	inBubble(t, func(b *bubble) {
		w := b.workers[0].worker
		b.open("c", "p")
		w.SetRoom(1, 4)
		b.as("d", &schema.Keepalive{Session: "d", Create: true}).want(schema.StatusLimit)
		b.present("c", "p/held", "a")
		for i := range 20 {
			b.as("c", &schema.Leave{Session: fmt.Sprint("p/", i)}).want(schema.StatusOK)
		}
		b.settle()
		b.knows(1, 4)
		if known, _, _ := w.Room(); known != 6 {
			t.Errorf("%d sessions are known", known)
		}
		b.as("c", &schema.Acquire{Name: "b", Session: "p/19"}).want(schema.StatusCanceled)
		if r := b.as("c", &schema.Leave{Session: "p/held"}).want(schema.StatusOK); *r.Count != 1 {
			t.Errorf("%d holds ended", *r.Count)
		}
		b.wantHolders("a")
		b.as("c", &schema.Leave{Session: "nobody/1"}).want(schema.StatusOK)
		b.as("c", &schema.Acquire{Name: "b", Session: "nobody"}).want(schema.StatusSessionExpired)
		if r := b.as("c", &schema.Leave{Session: "p"}).want(schema.StatusOK); *r.Count != 0 {
			t.Errorf("%d holds ended", *r.Count)
		}
		b.pass(62 * time.Second)
		b.knows(0, 0)
		if known, _, _ := w.Room(); known != 0 {
			t.Errorf("%d sessions are known", known)
		}
	})
}

// What many leaves at one time have to wait for is no reason to refuse them.
func TestManyLeavesAtOneTime(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "p")
		b.sessions.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: time.Second} })
		b.as("c", &schema.Keepalive{Session: "p"})
		b.settle()
		leaving := make([]*pending, 600)
		for i := range leaving {
			leaving[i] = b.as("c", &schema.Leave{Session: fmt.Sprint("p/", i)})
		}
		b.settle()
		for _, p := range leaving {
			p.want(schema.StatusOK)
		}
		b.knows(1, len(leaving))
	})
}
