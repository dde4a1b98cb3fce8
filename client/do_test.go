package client_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
)

var errWork = errors.New("work failed")

func TestDoHoldsTheLockWhileItRuns(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	type key struct{}
	ctx := context.WithValue(t.Context(), key{}, "value")
	var held context.Context
	err := c.Do(ctx, "a", func(ctx context.Context, l *client.Lock) error {
		held = ctx
		if l.Name() != "a" || !isHeld(t, c, "a") || ctx.Err() != nil || ctx.Value(key{}) != "value" {
			t.Errorf("%q, %v", l.Name(), ctx.Err())
		}
		return nil
	})
	ok(t, err)
	if isHeld(t, c, "a") || held.Err() == nil {
		t.Error("still held")
	}
}

func TestDoReturnsTheErrorOfItsFunction(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	if err := c.Do(t.Context(), "a", func(context.Context, *client.Lock) error { return errWork }); err != errWork {
		t.Error(err)
	}
	err := c.Do(t.Context(), "", func(context.Context, *client.Lock) error { t.Error("ran"); return nil })
	wantErr(t, err, client.ErrInvalid)
	ok(t, c.Do(t.Context(), "a", func(ctx context.Context, l *client.Lock) error { return l.Release(ctx) }))
	if isHeld(t, c, "a") {
		t.Error("still held")
	}
}

func TestDoReleasesAfterAPanic(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	func() {
		defer func() {
			if recover() != "oops" {
				t.Error("the panic is gone")
			}
		}()
		ok(t, c.Do(t.Context(), "a", func(context.Context, *client.Lock) error { panic("oops") }))
	}()
	if isHeld(t, c, "a") {
		t.Error("still held")
	}
}

func TestDoReleasesAfterItsContextHasEnded(t *testing.T) {
	c := clienttest.New(t).Client(nil)
	ctx, cancel := context.WithCancel(t.Context())
	err := c.Do(ctx, "a", func(ctx context.Context, _ *client.Lock) error {
		cancel()
		<-ctx.Done()
		return context.Cause(ctx)
	})
	if err != context.Canceled || isHeld(t, c, "a") {
		t.Error(err)
	}
}

func TestDoEndsTheContextWhenTheLockIsLost(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		err := c.Do(t.Context(), "a", func(ctx context.Context, _ *client.Lock) error {
			s.StopWorker()
			ended(t, ctx, client.ErrLost)
			return errWork
		})
		wantErr(t, err, errWork, client.ErrLost)

		s.StartWorker()
		err = c.Do(t.Context(), "b", func(context.Context, *client.Lock) error {
			_, err := c.Force(t.Context(), "b", nil)
			return err
		})
		wantErr(t, err, client.ErrLost) // noticed when it was released
	})
}

func TestDoWithinDoEndsWithEitherLock(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		outer, inner := s.Client(nil), s.Client(nil)
		err := outer.Do(t.Context(), "a", func(ctx context.Context, l *client.Lock) error {
			return inner.Do(ctx, "b", func(ctx context.Context, _ *client.Lock) error {
				_, err := outer.Force(t.Context(), "a", nil)
				ok(t, err)
				ended(t, ctx, client.ErrLost)
				return nil
			})
		})
		wantErr(t, err, client.ErrLost)
	})
}

func TestDoSaysThatTheReleaseIsNotAcknowledged(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		start := time.Now()
		err := c.Do(t.Context(), "a", func(context.Context, *client.Lock) error {
			s.StopWorker()
			return nil
		})
		wantErr(t, err, client.ErrUnavailable)
		near(t, time.Since(start), 5*second)
	})
}
