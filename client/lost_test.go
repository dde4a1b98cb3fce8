package client_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// A lost lock says why, as far as its holder can know.
func TestLostLockSaysWhy(t *testing.T) {
	release := func(t *testing.T, l *client.Lock, s *clienttest.Server) {
		m := &schema.Release{Name: l.Name(), Token: l.Token()}
		must[*schema.Reply](t)(s.Client(nil).Call(t.Context(), schema.VerbRelease, m))
	}
	byTTL := func(d time.Duration) []client.AcquireOption { return []client.AcquireOption{client.TTL(d)} }
	for want, c := range map[string]struct {
		options []client.AcquireOption
		lose    func(t *testing.T, l *client.Lock, s *clienttest.Server)
	}{
		"lock lost: ended by force: its machine is gone": {byTTL(time.Minute), func(t *testing.T, l *client.Lock, s *clienttest.Server) {
			must[[]client.Holder](t)(s.Client(nil).Force(t.Context(), l.Name(), &client.ForceOptions{Reason: "its machine is gone"}))
		}},
		"lock lost: ended by force": {byTTL(time.Minute), func(t *testing.T, l *client.Lock, s *clienttest.Server) {
			must[[]client.Holder](t)(s.Client(nil).Force(t.Context(), l.Name(), nil))
		}},
		"lock lost: its hold was released by others, or its TTL was over": {byTTL(time.Minute), release},
		"lock lost: its TTL is over":                                      {append(byTTL(time.Minute), client.NoRenew()), func(*testing.T, *client.Lock, *clienttest.Server) {}},
		"lock lost: its session was not kept alive in time: no service listens": {nil, func(_ *testing.T, _ *client.Lock, s *clienttest.Server) {
			s.StopWorker()
		}},
		"lock lost: not renewed in time: no service listens": {byTTL(time.Second), func(_ *testing.T, _ *client.Lock, s *clienttest.Server) {
			s.StopWorker()
		}},
	} {
		inBubble(t, func(t *testing.T, s *clienttest.Server) {
			l := acquire(t, s.Client(nil), "a", c.options...)
			c.lose(t, l, s)
			<-l.Context().Done()
			if got := context.Cause(l.Context()); got.Error() != want {
				t.Errorf("%q, want %q", got, want)
			}
			synctest.Wait()
		})
	}
}

func TestLockLostWithItsConnectionSaysSo(t *testing.T) {
	for opts, why := range map[*client.Options]string{
		byTTL: "lock lost: not renewed in time: there is no connection to NATS",
		nil:   "lock lost: its session was not kept alive in time: there is no connection to NATS",
	} {
		lostWithItsConnection(t, opts, why)
	}
}

func lostWithItsConnection(t *testing.T, opts *client.Options, why string) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, opts))
		defer func() { _ = c.Close() }()
		l := acquire(t, c, "a")
		nc.Close()
		<-l.Context().Done()
		if got := context.Cause(l.Context()).Error(); got != why {
			t.Error(got)
		}
	})
}

func TestLockLostBeforeItsReleaseSaysWhy(t *testing.T) {
	s := clienttest.New(t)
	l := acquire(t, s.Client(byTTL), "a")
	m := &schema.Release{Name: "a", Token: l.Token()}
	must[*schema.Reply](t)(s.Client(nil).Call(t.Context(), schema.VerbRelease, m))
	err := l.Release(t.Context())
	if err == nil || err.Error() != `release "a": not held: lock lost: its hold was released by others, or its TTL was over` {
		t.Error(err)
	}
}
