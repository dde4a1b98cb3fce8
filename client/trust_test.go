package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// window is how long a hold is trusted after its request was sent.
func window(ttl time.Duration) time.Duration {
	return ttl - min(ttl/10, 500*time.Millisecond) - ttl/2000
}

// near fails the test unless d is about want.
func near(t *testing.T, d, want time.Duration) {
	t.Helper()
	if d < want-10*time.Millisecond || d > want+10*time.Millisecond {
		t.Errorf("after %s, want %s", d, want)
	}
}

func TestLockIsKeptForAsLongAsItIsWanted(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		l := acquire(t, s.Client(nil), "a")
		ctx := l.Context()
		time.Sleep(time.Hour)
		ok(t, ctx.Err())
		_, err := s.Client(nil).TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrHeld)
	})
}

func TestContextEndsBeforeTheHoldCan(t *testing.T) {
	for _, ttl := range []time.Duration{100 * time.Millisecond, 30 * second, time.Hour} {
		inBubble(t, func(t *testing.T, s *clienttest.Server) {
			s.StopWorker()
			s.StartWorker()
			start := time.Now()
			l := acquire(t, s.Client(nil), "a", client.TTL(ttl))
			s.StopWorker()
			ended(t, l.Context(), client.ErrLost)
			near(t, time.Since(start), window(ttl))
			wantErr(t, l.Err(), client.ErrLost)
			wantErr(t, l.Renew(t.Context(), 0), client.ErrLost, client.ErrNotHeld)
			wantErr(t, l.Release(t.Context()), client.ErrLost, client.ErrNotHeld)
		})
	}
}

func TestShortOutageGoesUnnoticed(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		l := acquire(t, s.Client(byTTL), "a")
		time.Sleep(25 * second)
		for range 5 {
			s.StopWorker()
			time.Sleep(12 * second)
			s.StartWorker()
			time.Sleep(5 * second)
			ok(t, l.Err())
		}
	})
}

func TestForcedLockIsLostAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		l := acquire(t, c, "a")
		start := time.Now()
		holders := must[[]client.Holder](t)(c.Force(t.Context(), "a", &client.ForceOptions{Reason: "test"}))
		if len(holders) != 1 || holders[0].Token != l.Token() {
			t.Errorf("holders %+v", holders)
		}
		ended(t, l.Context(), client.ErrLost)
		if d := time.Since(start); d > second {
			t.Errorf("noticed after %s", d)
		}
		_, err := c.Force(t.Context(), "a", nil)
		wantErr(t, err, client.ErrNotHeld)
	})
}

func TestForgedEventEndsNoLock(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, nil))
		defer c.Close()
		l := acquire(t, c, "a")
		forged := schema.Append(nil, schema.JSON, &schema.Event{Type: schema.EventForced, Name: "a", Token: l.Token()})
		ok(t, nc.PublishMsg(&nats.Msg{Subject: schema.EventSubject("default", schema.EventForced), Data: forged}))
		ok(t, nc.PublishMsg(&nats.Msg{Subject: schema.EventSubject("default", schema.EventForced), Data: []byte("{")}))
		ok(t, nc.Flush())
		time.Sleep(second)
		ok(t, l.Err())
		ok(t, l.Release(t.Context()))
	})
}

func TestLateRenewalRevivesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var released []uint64
		s := respond(t, func(a asked) {
			switch m := a.request.(type) {
			case *schema.Acquire:
				a.answer(grant(a, 7))
			case *schema.Renew:
				time.AfterFunc(40*second, func() { a.answer(&schema.Reply{Status: schema.StatusRenewed, TTL: m.TTL}) })
			case *schema.Release:
				released = append(released, m.Token)
				a.answer(&schema.Reply{Status: schema.StatusReleased})
			}
		})
		c := s.Client(nil)
		l := acquire(t, c, "a")
		ended(t, l.Context(), client.ErrLost)
		time.Sleep(time.Minute)
		s.wait()
		wantErr(t, l.Err(), client.ErrLost)
		wantErr(t, l.Release(t.Context()), client.ErrLost)
		if len(released) != 1 || released[0] != 7 {
			t.Errorf("released %d", released)
		}
		ok(t, c.Close())
	})
}

func TestYoungGrantIsTrustedFromWhenItWasAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asks := 0
		s := respond(t, func(a asked) {
			if a.verb == schema.VerbAcquire {
				if asks++; asks == 1 {
					time.AfterFunc(4*second, func() { a.answer(grant(a, 7)) })
				}
			}
		})
		start := time.Now()
		l := must[*client.Lock](t)(s.Client(nil).Acquire(t.Context(), "a"))
		near(t, time.Since(start), 4*second)
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), window(30*second))
	})
}

func TestRenewalIsTrustedFromItsSending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var sent time.Time
		s := respond(t, func(a asked) {
			switch {
			case a.verb == schema.VerbAcquire:
				a.answer(grant(a, 7))
			case a.verb == schema.VerbRenew && sent.IsZero():
				sent = time.Now()
				time.AfterFunc(4*second, func() { a.answer(&schema.Reply{Status: schema.StatusRenewed}) })
			}
		})
		l := acquire(t, s.Client(nil), "a")
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(sent), window(30*second))
	})
}

func TestOldGrantIsAskedForAgainUnderItsOwner(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var asks []schema.Acquire
		s := respond(t, func(a asked) {
			m, isAcquire := a.request.(*schema.Acquire)
			switch {
			case !isAcquire:
			case m.Owner == "o":
				asks = append(asks, *m)
				reply := grant(a, 7)
				reply.Status = schema.StatusAlready
				a.answer(reply)
			case len(asks) == 0:
				asks = append(asks, *m)
				time.AfterFunc(20*second, func() { a.answer(grant(a, 7)) })
			}
		})
		start := time.Now()
		l := must[*client.Lock](t)(s.Client(nil).Acquire(t.Context(), "a"))
		if len(asks) != 2 || asks[0].Request == asks[1].Request || l.Token() != 7 {
			t.Fatalf("asked %+v", asks)
		}
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), 20*second+window(30*second))
	})
}

func TestOldGrantThatIsOverIsWaitedForAnew(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(byTTL)
		first := acquire(t, c, "a")
		time.AfterFunc(20*second, func() { ok(t, first.Release(t.Context())) })
		l := must[*client.Lock](t)(c.Acquire(t.Context(), "a"))
		start := time.Now()
		s.StopWorker()
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), window(30*second))
	})
}

func TestTTLShorterThanARoundTripIsLost(t *testing.T) {
	bubble(t, func(t *testing.T) {
		asks, cancels := 0, 0
		s := respond(t, func(a asked) {
			switch a.verb {
			case schema.VerbAcquire:
				asks++
				time.AfterFunc(50*time.Millisecond, func() { a.answer(grant(a, uint64(asks))) })
			case schema.VerbCancel:
				cancels++
				a.answer(&schema.Reply{Status: schema.StatusReleased})
			}
		})
		c := s.Client(nil)
		_, err := c.TryAcquire(t.Context(), "a", client.TTL(20*time.Millisecond))
		wantErr(t, err, client.ErrLost)
		s.wait()
		if asks != 4 || cancels != 4 {
			t.Errorf("asked %d times, canceled %d", asks, cancels)
		}
		ok(t, c.Close())
	})
}

func TestNoRenewLeavesTheLockToItsTTL(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		start := time.Now()
		l := acquire(t, c, "a", client.NoRenew(), client.TTL(20*second))
		time.Sleep(15 * second)
		ok(t, l.Renew(t.Context(), 0))
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), 15*second+window(20*second))
	})
}

func TestRenewSetsAnotherTTL(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		l := acquire(t, c, "a")
		ok(t, l.Renew(t.Context(), time.Hour))
		if got := state(t, c, "a").Holders[0].TTL; got != 3_600_000 {
			t.Errorf("ttl %d", got)
		}
		wantErr(t, l.Renew(t.Context(), time.Millisecond), client.ErrInvalid)
		ok(t, l.Renew(t.Context(), 2*second))
		time.Sleep(time.Minute)
		ok(t, l.Err())
		start := time.Now()
		s.StopWorker()
		ended(t, l.Context(), client.ErrLost)
		if d := time.Since(start); d > window(2*second) {
			t.Errorf("lost after %s", d)
		}
	})
}

func TestShorterTTLIsReckonedWithFromItsSending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		renewals := 0
		s := respond(t, func(a asked) {
			switch m := a.request.(type) {
			case *schema.Acquire:
				a.answer(grant(a, 7))
			case *schema.Renew:
				if renewals++; m.TTL == nil { // in the background, not yet under the new TTL
					ttl := int64(3_600_000)
					a.answer(&schema.Reply{Status: schema.StatusRenewed, TTL: &ttl})
				}
			}
		})
		l := acquire(t, s.Client(nil), "a", client.TTL(time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), 2*second)
		defer cancel()
		wantErr(t, l.Renew(ctx, 10*second), client.ErrUnavailable, context.DeadlineExceeded)
		time.Sleep(time.Minute)
		s.wait()
		ok(t, l.Err())
		if renewals < 20 {
			t.Errorf("renewed %d times in a minute with a ttl of 10 s", renewals)
		}
	})
}

func TestRenewalAcrossAChangeOfTheTTLProvesNothing(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var background, explicit []asked
		s := respond(t, func(a asked) {
			switch m := a.request.(type) {
			case *schema.Acquire:
				a.answer(grant(a, 7))
			case *schema.Renew:
				if m.TTL == nil {
					background = append(background, a)
				} else {
					explicit = append(explicit, a)
				}
			}
		})
		l := acquire(t, s.Client(nil), "a")
		time.Sleep(10 * second)
		s.wait()
		done := make(chan error)
		start := time.Now()
		go func() { done <- l.Renew(t.Context(), second) }()
		s.wait()
		if len(background) != 1 || len(explicit) != 1 {
			t.Fatalf("%d and %d renewals", len(background), len(explicit))
		}
		old, now := int64(30_000), int64(1000)
		explicit[0].answer(&schema.Reply{Status: schema.StatusRenewed, TTL: &now})
		ok(t, <-done)
		background[0].answer(&schema.Reply{Status: schema.StatusRenewed, TTL: &old})
		ended(t, l.Context(), client.ErrLost)
		near(t, time.Since(start), window(second))
	})
}

func TestSameOwnerWithAShorterTTLIsReckonedWith(t *testing.T) {
	bubble(t, func(t *testing.T) {
		acquires := 0
		s := respond(t, func(a asked) {
			if a.verb == schema.VerbAcquire {
				if acquires++; acquires == 1 {
					a.answer(grant(a, 7))
				}
			}
		})
		c := s.Client(nil)
		l := acquire(t, c, "a", client.Owner("o"), client.TTL(time.Hour))
		start := time.Now()
		_, err := c.TryAcquire(t.Context(), "a", client.Owner("o"), client.TTL(10*second))
		wantErr(t, err, client.ErrUnavailable)
		wantErr(t, l.Err(), client.ErrLost)
		if d := time.Since(start); d > 16*second {
			t.Errorf("after %s", d)
		}
	})
}
