package client_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestTryAcquireTakesAFreeLock(t *testing.T) {
	s := clienttest.New(t)
	c := s.Client(nil)
	l := acquire(t, c, "a", client.Meta(map[string]string{"job": "import"}))
	if l.Name() != "a" || l.Token() == 0 || l.Owner() == "" || l.Err() != nil {
		t.Errorf("lock %q %d %q %v", l.Name(), l.Token(), l.Owner(), l.Err())
	}
	h := state(t, c, "a").Holders[0]
	if h.Client != c.ID() || h.Token != l.Token() || h.TTL != 0 || len(h.Sessions) != 1 || string(h.Meta) != `{"job":"import"}` {
		t.Errorf("holder %+v", h)
	}
}

func TestTryAcquireOfAHeldLockTellsWhoHasIt(t *testing.T) {
	s := clienttest.New(t)
	l := acquire(t, s.Client(&client.Options{ID: "first"}), "a")
	_, err := s.Client(nil).TryAcquire(t.Context(), "a")
	wantErr(t, err, client.ErrHeld)
	var detail *client.Error
	if !errors.As(err, &detail) || len(detail.Holders) != 1 || detail.Holders[0].Client != "first" || detail.Holders[0].Token != l.Token() {
		t.Errorf("detail %+v", detail)
	}
}

func TestAcquireIsGrantedInOrderOfArrivalAndTokensGrow(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		first := acquire(t, c, "a")
		got := make(chan *client.Lock)
		for range 5 {
			go func() {
				l, err := c.Acquire(t.Context(), "a")
				if err != nil {
					t.Error(err)
				}
				got <- l
			}()
			synctest.Wait()
		}
		last := first
		for range 5 {
			ok(t, last.Release(t.Context()))
			l := <-got
			if l.Token() <= last.Token() {
				t.Errorf("token %d after %d", l.Token(), last.Token())
			}
			last = l
		}
	})
}

func TestAcquireTimesOut(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		acquire(t, c, "a")
		start := time.Now()
		_, err := c.Acquire(t.Context(), "a", client.Wait(7*time.Second))
		wantErr(t, err, client.ErrTimeout)
		if d := time.Since(start); d < 7*second || d > 8*second || errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("after %s: %v", d, err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 3*second)
		defer cancel()
		_, err = c.Acquire(ctx, "a")
		wantErr(t, err, client.ErrTimeout, context.DeadlineExceeded)

		_, err = c.Acquire(t.Context(), "a", client.Wait(0))
		wantErr(t, err, client.ErrHeld)
	})
}

func TestAcquireWaitsLongerThanADay(t *testing.T) {
	bubble(t, func(t *testing.T) {
		waits := make(chan int64, 100)
		requests := map[string]bool{}
		s := respond(t, func(a asked) {
			m, isAcquire := a.request.(*schema.Acquire)
			if !isAcquire || requests[m.Request] {
				return
			}
			requests[m.Request] = true
			waits <- m.Wait
			time.AfterFunc(time.Duration(m.Wait)*time.Millisecond, func() { a.answer(&schema.Reply{Status: schema.StatusTimeout}) })
		})
		c := s.Client(&client.Options{TTL: 30 * second, Timeout: time.Hour})
		_, err := c.Acquire(t.Context(), "a", client.Wait(30*time.Hour))
		wantErr(t, err, client.ErrTimeout)
		if first, then := <-waits, <-waits; first != schema.MaxWait || then > 6*3600*1000 || then < 6*3600*1000-1000 {
			t.Errorf("waited %d, then %d", first, then)
		}
	})
}

func TestAcquireEndsWithItsContext(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		acquire(t, c, "a")
		ctx, cancel := context.WithCancelCause(t.Context())
		why := errors.New("not needed any more")
		time.AfterFunc(12*second, func() { cancel(why) })
		_, err := c.Acquire(ctx, "a")
		wantErr(t, err, client.ErrCanceled, context.Canceled, why)
		_, err = c.Acquire(ctx, "b")
		wantErr(t, err, client.ErrCanceled)
		synctest.Wait()
		if got := state(t, c, "a"); len(got.Waiters) != 0 || isHeld(t, c, "b") {
			t.Errorf("left behind: %+v", got.Waiters)
		}
	})
}

func TestSharedHoldsAreTogether(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	acquire(t, c, "a", client.Shared())
	acquire(t, c, "a", client.Shared())
	_, err := c.TryAcquire(t.Context(), "a")
	wantErr(t, err, client.ErrHeld)
}

func TestSizeIsTheMostHolders(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	first := acquire(t, c, "a", client.Size(2))
	acquire(t, c, "a", client.Size(2))
	_, err := c.TryAcquire(t.Context(), "a", client.Size(2))
	wantErr(t, err, client.ErrHeld)
	_, err = c.TryAcquire(t.Context(), "a", client.Size(3))
	wantErr(t, err, client.ErrSizeMismatch)
	ok(t, first.Release(t.Context()))
	acquire(t, c, "a", client.Size(2))
}

func TestOneOwnerHasOneLock(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	first := acquire(t, c, "a", client.Owner("me"))
	again := acquire(t, c, "a", client.Owner("me"))
	if first != again {
		t.Errorf("two locks of one hold: %d and %d", first.Token(), again.Token())
	}
	ok(t, again.Release(t.Context()))
	wantErr(t, first.Err(), client.ErrReleased)
	if next := acquire(t, c, "a", client.Owner("me")); next == first || next.Token() <= first.Token() {
		t.Errorf("token %d after %d", next.Token(), first.Token())
	}
}

func TestAcquireAllIsAllOrNone(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		busy := acquire(t, c, "b")
		names := []string{"c", "b", "a"}
		_, err := c.TryAcquireAll(t.Context(), names)
		wantErr(t, err, client.ErrHeld)
		var detail *client.Error
		if !errors.As(err, &detail) || detail.Name != "b" || isHeld(t, c, "a") || isHeld(t, c, "c") {
			t.Errorf("detail %+v", detail)
		}
		time.AfterFunc(time.Minute, func() { ok(t, busy.Release(t.Context())) })
		set := must[*client.LockSet](t)(c.AcquireAll(t.Context(), names))
		for i, l := range set.Locks() {
			if l.Name() != names[i] || state(t, c, names[i]).Holders[0].Token != l.Token() {
				t.Errorf("lock %d is %q with token %d", i, l.Name(), l.Token())
			}
		}
		time.Sleep(5 * time.Minute)
		ok(t, set.Context().Err())
		ok(t, set.Release(t.Context()))
		ended(t, set.Context(), client.ErrReleased)
		for _, name := range names {
			if isHeld(t, c, name) {
				t.Errorf("%s is still held", name)
			}
		}
	})
}

func TestAcquireOfNonsenseIsInvalid(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	for name, try := range map[string]func() error{
		"no name":       func() error { _, err := c.TryAcquire(t.Context(), ""); return err },
		"long name":     func() error { _, err := c.TryAcquire(t.Context(), strings.Repeat("x", 5000)); return err },
		"not UTF-8":     func() error { _, err := c.TryAcquire(t.Context(), "\xff"); return err },
		"no names":      func() error { _, err := c.TryAcquireAll(t.Context(), nil); return err },
		"same twice":    func() error { _, err := c.TryAcquireAll(t.Context(), []string{"a", "a"}); return err },
		"long TTL":      func() error { _, err := c.TryAcquire(t.Context(), "a", client.TTL(25*time.Hour)); return err },
		"no TTL":        func() error { _, err := c.TryAcquire(t.Context(), "a", client.TTL(0)); return err },
		"half a ms":     func() error { _, err := c.TryAcquire(t.Context(), "a", client.TTL(second+500)); return err },
		"negative size": func() error { _, err := c.TryAcquire(t.Context(), "a", client.Size(-1)); return err },
		"negative wait": func() error { _, err := c.Acquire(t.Context(), "a", client.Wait(-1)); return err },
		"try and wait":  func() error { _, err := c.TryAcquire(t.Context(), "a", client.Wait(1)); return err },
		"meta a list":   func() error { _, err := c.TryAcquire(t.Context(), "a", client.Meta([]int{1})); return err },
		"meta a func":   func() error { _, err := c.TryAcquire(t.Context(), "a", client.Meta(func() {})); return err },
		"long owner": func() error {
			_, err := c.TryAcquire(t.Context(), "a", client.Owner(strings.Repeat("x", 129)))
			return err
		},
	} {
		err := try()
		if !errors.Is(err, client.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		} else if len(err.Error()) > 300 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
	_, err := c.TryAcquire(t.Context(), "a", client.Meta(map[string]string{"x": strings.Repeat("x", 5000)}))
	wantErr(t, err, client.ErrLimit)
}

func TestNewRefusesNonsense(t *testing.T) {
	nc := clienttest.New(t).Conn()
	for name, o := range map[string]client.Options{
		"realm":       {Realm: strings.Repeat("r", 65)},
		"client":      {ID: strings.Repeat("c", 129)},
		"realm: not":  {Realm: "\xff"},
		"client: not": {ID: "\xff"},
		"ttl":         {TTL: time.Millisecond},
		"timeout":     {Timeout: -1},
	} {
		_, err := client.New(nc, &o)
		wantErr(t, err, client.ErrInvalid)
		if !strings.Contains(err.Error(), name) {
			t.Errorf("%v does not name %s", err, name)
		}
	}
}

func TestRealmsAreApart(t *testing.T) {
	s := clienttest.New(t)
	acquire(t, s.Client(&client.Options{Realm: "shop.example"}), "a")
	acquire(t, s.Client(&client.Options{Realm: "Ünïcode *>"}), "a")
	acquire(t, s.Client(nil), "a")
}
