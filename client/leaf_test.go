package client_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// inRealm takes a lock of a realm for a session, as somebody else.
func inRealm(t *testing.T, c *client.Client, realm, name, session string) *schema.Reply {
	t.Helper()
	return must[*schema.Reply](t)(c.CallIn(t.Context(), realm, schema.VerbAcquire, &schema.Acquire{Name: name, Client: "them", Session: session}))
}

func TestALeafEndsWhatItHolds(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, other := s.Client(nil), s.Client(&client.Options{Realm: "theirs"})
		one, two := must[*client.Leaf](t)(c.OpenLeaf(t.Context(), "one")), must[*client.Leaf](t)(c.OpenLeaf(t.Context(), ""))
		if _, leaf := schema.SplitSession(one.Session()); leaf != "one" || one.Session() == two.Session() {
			t.Errorf("%q, %q", one.Session(), two.Session())
		}
		for name, leaf := range map[string]*client.Leaf{"a": one, "b": two} {
			if r := inRealm(t, c, "theirs", name, leaf.Session()); r.Status != schema.StatusGranted {
				t.Fatal(r)
			}
		}
		time.Sleep(time.Minute) // kept alive with the session
		ok(t, one.Context().Err())
		ok(t, one.Leave(t.Context()))
		if isHeld(t, other, "a") || !isHeld(t, other, "b") {
			t.Error("not what was to end")
		}
		wantErr(t, context.Cause(one.Context()), client.ErrReleased)
		ok(t, one.Leave(t.Context()))
		ok(t, two.Context().Err())
		if r := inRealm(t, c, "theirs", "a", one.Session()); r.Status != schema.StatusCanceled {
			t.Errorf("a leaf that has left: %v", r)
		}
		ok(t, c.Close())
		wantErr(t, context.Cause(two.Context()), client.ErrClosed)
		if isHeld(t, other, "b") {
			t.Error("held after Close")
		}
		ok(t, two.Leave(t.Context()))
	})
}

func TestALeafIsLostWithTheSession(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		leaf := must[*client.Leaf](t)(c.OpenLeaf(t.Context(), ""))
		s.StopWorker()
		time.Sleep(11 * second)
		wantErr(t, leaf.Context().Err(), context.Canceled)
		wantErr(t, context.Cause(leaf.Context()), client.ErrLost)
		s.StartWorker()
		again := must[*client.Leaf](t)(c.OpenLeaf(t.Context(), ""))
		ok(t, again.Leave(t.Context()))
	})
}

func TestALeaveGoesOnUntilItIsAcknowledged(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		leaf := must[*client.Leaf](t)(c.OpenLeaf(t.Context(), ""))
		inRealm(t, c, "default", "a", leaf.Session())
		s.StopWorker()
		ctx, cancel := context.WithTimeout(t.Context(), second)
		defer cancel()
		wantErr(t, leaf.Leave(ctx), client.ErrUnavailable)
		s.StartWorker()
		time.Sleep(5 * second)
		synctest.Wait()
		if isHeld(t, c, "a") {
			t.Error("held")
		}
	})
}

// A copy of it that arrives late means no later opening of the session.
func TestALeaveSaysWhichOpeningItMeans(t *testing.T) {
	bubble(t, func(t *testing.T) {
		p := new(presences)
		s := respond(t, p.take)
		leaf := must[*client.Leaf](t)(s.Client(byPresence).OpenLeaf(t.Context(), ""))
		ok(t, leaf.Leave(t.Context()))
		s.wait()
		if len(p.leaves) != 1 || p.leaves[0] != leaf.Session() || p.epoch != 77 {
			t.Errorf("left %q of epoch %d", p.leaves, p.epoch)
		}
	})
}

func TestNamesOfLeavesAreChecked(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		for _, name := range []string{strings.Repeat("n", 102), "\xff"} {
			_, err := c.OpenLeaf(t.Context(), name)
			wantErr(t, err, client.ErrInvalid)
		}
		leaf := must[*client.Leaf](t)(c.OpenLeaf(t.Context(), strings.Repeat("n", 101)))
		inRealm(t, c, "default", "a", leaf.Session())
		ok(t, c.Close())
		_, err := c.OpenLeaf(t.Context(), "")
		wantErr(t, err, client.ErrClosed)
	})
}

func TestACloseMayLeaveTheSessionToWhoeverComesBack(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(&client.Options{StayOnClose: true, Grace: 10 * second})
		leaf := must[*client.Leaf](t)(c.OpenLeaf(t.Context(), ""))
		inRealm(t, c, "default", "a", leaf.Session())
		ok(t, c.Close())
		other := s.Client(nil)
		time.Sleep(6 * second)
		if !isHeld(t, other, "a") {
			t.Error("released")
		}
		time.Sleep(6 * second)
		if isHeld(t, other, "a") {
			t.Error("held for longer than the TTL")
		}
	})
}

func TestCallsInOtherRealms(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, theirs := s.Client(nil), s.Client(&client.Options{Realm: "theirs"})
		events := must[func(func(client.Event, error) bool)](t)(c.Watch(t.Context(), &client.WatchOptions{Realm: "theirs"}))
		r := must[*schema.Reply](t)(c.CallIn(t.Context(), "theirs", schema.VerbAcquire, &schema.Acquire{Name: "a"}))
		if !isHeld(t, theirs, "a") || isHeld(t, c, "a") {
			t.Error("in the wrong realm")
		}
		must[*schema.Reply](t)(c.CallIn(t.Context(), "theirs", schema.VerbRelease, &schema.Release{Name: "a", Token: r.Token}))
		if isHeld(t, theirs, "a") {
			t.Error("held")
		}
		for e, err := range events {
			if ok(t, err); e.Realm != "theirs" || e.Type != schema.EventGranted {
				t.Errorf("%+v", e)
			}
			break
		}
		for _, realm := range []string{"", "\xff", strings.Repeat("r", 65)} {
			_, err := c.CallIn(t.Context(), realm, schema.VerbInspect, &schema.Inspect{Name: "a"})
			wantErr(t, err, client.ErrInvalid)
		}
		_, err := c.Watch(t.Context(), &client.WatchOptions{Realm: "\xff"})
		wantErr(t, err, client.ErrInvalid)
	})
}

func TestWhatWasGrantedTooLateIsGivenUp(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, theirs := s.Client(nil), s.Client(&client.Options{Realm: "theirs"})
		m := &schema.Acquire{Name: "a", Client: "them", Request: "1", Owner: "o"}
		must[*schema.Reply](t)(c.CallIn(t.Context(), "theirs", schema.VerbAcquire, m))
		again := *m
		again.Request = "2"
		if r := must[*schema.Reply](t)(c.CallIn(t.Context(), "theirs", schema.VerbAcquire, &again)); r.Status != schema.StatusAlready {
			t.Fatal(r)
		}
		c.GiveUp("theirs", &again)
		synctest.Wait()
		if !isHeld(t, theirs, "a") {
			t.Error("an attempt that granted nothing has ended the hold")
		}
		alone := &schema.Acquire{Name: "b", Client: "them", Request: "3"}
		must[*schema.Reply](t)(c.CallIn(t.Context(), "theirs", schema.VerbAcquire, alone))
		c.GiveUp("theirs", alone)
		synctest.Wait()
		if isHeld(t, theirs, "b") {
			t.Error("held")
		}
	})
}

func TestAnAttemptThatIsHandedOverKeepsItsPlace(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c, other := s.Client(nil), s.Client(nil)
		held := acquire(t, other, "a", client.TTL(time.Hour))
		letGo := func(request string, cause error) {
			ctx, cancel := context.WithCancelCause(t.Context())
			over := make(chan error)
			go func() {
				_, err := c.CallIn(ctx, "default", schema.VerbAcquire, &schema.Acquire{Name: "a", Client: "them", Request: request, Wait: 60_000})
				over <- err
			}()
			synctest.Wait()
			cancel(cause)
			wantErr(t, <-over, client.ErrCanceled)
			synctest.Wait()
		}
		letGo("1", nil)
		if got := state(t, other, "a").Waiters; len(got) != 0 {
			t.Errorf("given up: %v", got)
		}
		letGo("2", client.ErrHandedOver)
		if got := state(t, other, "a").Waiters; len(got) != 1 {
			t.Errorf("handed over: %v", got)
		}
		granted := make(chan *schema.Reply, 1)
		go func() {
			r, err := other.CallIn(t.Context(), "default", schema.VerbAcquire, &schema.Acquire{Name: "a", Client: "them", Request: "2", Wait: 60_000})
			if err != nil {
				r = &schema.Reply{Message: err.Error()}
			}
			granted <- r
		}()
		synctest.Wait()
		ok(t, held.Release(t.Context()))
		if r := <-granted; r.Status != schema.StatusGranted {
			t.Errorf("%+v", r)
		}
	})
}
