package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestReleaseEndsTheContextAndFreesTheLock(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	l := acquire(t, c, "a")
	ctx := l.Context()
	ok(t, l.Release(t.Context()))
	ended(t, ctx, client.ErrReleased)
	wantErr(t, l.Err(), client.ErrReleased)
	if isHeld(t, c, "a") {
		t.Error("still held")
	}
	ok(t, l.Release(t.Context()))
	wantErr(t, l.Renew(t.Context(), 0), client.ErrNotHeld, client.ErrReleased)
	ended(t, l.Context(), client.ErrReleased)
	late := acquire(t, c, "b")
	ok(t, late.Release(t.Context()))
	ended(t, late.Context(), client.ErrReleased) // asked for after the end
}

func TestContextEndsBeforeTheReleaseIsSent(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var l *client.Lock
		s := respond(t, func(a asked) {
			if a.verb == schema.VerbAcquire {
				a.answer(grant(a, 7))
				return
			}
			wantErr(t, context.Cause(l.Context()), client.ErrReleased)
			a.answer(&schema.Reply{Status: schema.StatusReleased})
		})
		l = acquire(t, s.Client(nil), "a")
		ok(t, l.Release(t.Context()))
	})
}

func TestReleaseWhoseReplyIsLostIsNoError(t *testing.T) {
	bubble(t, func(t *testing.T) {
		releases := 0
		s := respond(t, func(a asked) {
			switch a.verb {
			case schema.VerbAcquire:
				a.answer(grant(a, 7))
			case schema.VerbRelease:
				if releases++; releases%2 == 0 {
					a.answer(&schema.Reply{Status: schema.StatusNotHeld})
				}
			}
		})
		c := s.Client(nil)
		ok(t, acquire(t, c, "a").Release(t.Context()))
		ok(t, c.Release(t.Context(), "b", 8))
		r := must[*schema.Reply](t)(c.ReleaseIn(t.Context(), "other", &schema.Release{Name: "c", Token: 9}))
		if r.Status != schema.StatusReleased {
			t.Errorf("%+v", r)
		}
		if releases != 6 {
			t.Errorf("%d releases", releases)
		}
	})
}

func TestReleaseOfSeveralWhoseReplyIsLostIsDone(t *testing.T) {
	bubble(t, func(t *testing.T) {
		releases := 0
		s := respond(t, func(a asked) {
			if releases++; releases > 1 {
				a.answer(&schema.Reply{Status: schema.StatusOK, Locks: []schema.LockState{
					{Name: "a", Status: schema.StatusNotHeld}, {Name: "b", Status: schema.StatusReleased},
				}})
			}
		})
		m := &schema.Release{Locks: []schema.LockToken{{Name: "a", Token: 7}, {Name: "b", Token: 8}}}
		c := s.Client(nil)
		for _, want := range []schema.Status{schema.StatusReleased, schema.StatusNotHeld} { // repeated, and then not
			r := must[*schema.Reply](t)(c.ReleaseIn(t.Context(), "other", m))
			if r.Status != schema.StatusOK || r.Locks[0].Status != want || r.Locks[1].Status != schema.StatusReleased {
				t.Errorf("%+v", r)
			}
		}
	})
}

// What nobody has heard has done nothing, however often it was sent.
func TestReleaseThatNobodyHeardIsNotDone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		s.StopWorker()
		time.AfterFunc(second, s.StartWorker)
		wantErr(t, c.Release(t.Context(), "a", 7), client.ErrNotHeld)
	})
}

func TestReleaseInOfALockThatOthersEndedIsNotHeld(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	r := must[*schema.Reply](t)(c.ReleaseIn(t.Context(), "other", &schema.Release{Name: "a", Token: 7}))
	if r.Status != schema.StatusNotHeld {
		t.Errorf("%+v", r)
	}
	wantErr(t, func() error { _, err := c.ReleaseIn(t.Context(), "", &schema.Release{}); return err }(), client.ErrInvalid)
}

func TestReleaseOfALockThatOthersEndedIsNotHeld(t *testing.T) {
	s := clienttest.New(t)
	c := s.Client(nil)
	l := acquire(t, c, "a")
	_, err := c.Force(t.Context(), "a", nil)
	ok(t, err)
	next := acquire(t, s.Client(nil), "a")
	wantErr(t, l.Release(t.Context()), client.ErrNotHeld, client.ErrLost)
	if got := state(t, c, "a").Holders[0].Token; got != next.Token() {
		t.Errorf("held by %d, want %d", got, next.Token())
	}
}

func TestReleaseGoesOnInTheBackground(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		l := acquire(t, c, "a", client.TTL(time.Hour))
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		s.StopWorker()
		wantErr(t, l.Release(gone), client.ErrCanceled, context.Canceled)
		wantErr(t, l.Release(t.Context()), client.ErrUnavailable)
		s.StartWorker()
		time.Sleep(3 * second)
		if isHeld(t, c, "a") {
			t.Error("still held")
		}
		ok(t, l.Release(t.Context()))
	})
}

func TestReleaseOfASetTellsWhatWasLost(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	set := must[*client.LockSet](t)(c.TryAcquireAll(t.Context(), []string{"a", "b", "c"}))
	ok(t, set.Locks()[0].Release(t.Context()))
	_, err := c.Force(t.Context(), "b", nil)
	ok(t, err)
	ended(t, set.Locks()[1].Context(), client.ErrLost)
	wantErr(t, set.Release(t.Context()), client.ErrLost, client.ErrNotHeld)
	if isHeld(t, c, "c") {
		t.Error("the others are not released")
	}
	wantErr(t, set.Release(t.Context()), client.ErrLost, client.ErrNotHeld) // it stays lost
}

func TestContextOfASetEndsWithTheFirstLock(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		set := must[*client.LockSet](t)(c.TryAcquireAll(t.Context(), []string{"a", "b"}))
		ctx := set.Context()
		_, err := c.Force(t.Context(), "b", nil)
		ok(t, err)
		ended(t, ctx, client.ErrLost)
		ok(t, set.Locks()[0].Err())
	})
}

func TestTokenReleasesWhoeverTookTheLock(t *testing.T) {
	s := clienttest.New(t)
	l := acquire(t, s.Client(nil), "a")
	c := s.Client(nil)
	wantErr(t, c.Release(t.Context(), "a", l.Token()+1), client.ErrNotHeld)
	ok(t, c.Release(t.Context(), "a", l.Token()))
	wantErr(t, c.Release(t.Context(), "a", 0), client.ErrInvalid)
}

func TestClientWithAnIDActsForItselfOnly(t *testing.T) {
	s := clienttest.New(t)
	me, also, other := s.Client(&client.Options{ID: "me"}), s.Client(&client.Options{ID: "me"}), s.Client(&client.Options{ID: "other"})
	l := acquire(t, me, "a")
	wantErr(t, other.Release(t.Context(), "a", l.Token()), client.ErrDenied)
	_, err := other.Renew(t.Context(), "a", l.Token(), nil)
	wantErr(t, err, client.ErrDenied)
	ok(t, also.Release(t.Context(), "a", l.Token()))
}

func TestReleaseIsNotStoppedByTheEndOfItsOwnLock(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	outer := acquire(t, c, "outer")
	l := acquire(t, c, "a")
	ctx, cancel := context.WithCancel(l.Context())
	defer cancel()
	ok(t, l.Release(ctx))
	err := c.Do(outer.Context(), "b", func(ctx context.Context, _ *client.Lock) error {
		ctx, cancel := context.WithTimeout(ctx, second)
		defer cancel()
		return outer.Release(ctx)
	})
	ok(t, err)
	ended(t, ctx, client.ErrReleased)
	for _, name := range []string{"outer", "a", "b"} {
		if isHeld(t, c, name) {
			t.Errorf("%s is still held", name)
		}
	}
}

// What was asked for once is not remembered by the service after its release; what may be
// on its way once more is.
func TestReleaseForgetsWhatIsNotSentAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var request, forget string
		var unanswered int
		s := respond(t, func(a asked) {
			switch m := a.request.(type) {
			case *schema.Acquire:
				if request = m.Request; unanswered > 0 {
					unanswered--
					return
				}
				a.answer(grant(a, 7))
			case *schema.Release:
				forget = m.Forget
				a.answer(&schema.Reply{Status: schema.StatusReleased})
			}
		})
		c := s.Client(nil)
		for n := range 3 {
			unanswered = n
			ok(t, acquire(t, c, "a").Release(t.Context()))
			if want := map[bool]string{true: request}[n == 0]; forget != want {
				t.Errorf("%d unanswered: forget %q of %q", n, forget, request)
			}

			unanswered = n
			_, sole, err := c.AcquireIn(t.Context(), "other", &schema.Acquire{Name: "b", TTL: new(int64(1000))})
			ok(t, err)
			if want := map[bool]string{true: request}[n == 0]; sole != want {
				t.Errorf("%d unanswered: %q of %q", n, sole, request)
			}
		}
		_, sole, err := c.AcquireIn(t.Context(), "other", &schema.Acquire{Name: "b", Client: "x", Request: "own"})
		ok(t, err)
		if sole != "own" {
			t.Errorf("%q", sole)
		}
	})
}
