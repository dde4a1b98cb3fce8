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

func TestAcquireWithoutAReplyIsRepeatedAsItWas(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var bodies []string
		s := respond(t, func(a asked) {
			if a.verb != schema.VerbAcquire {
				return
			}
			if bodies = append(bodies, string(a.message.Data)); len(bodies) == 3 {
				a.answer(grant(a, 7))
			}
		})
		l := acquire(t, s.Client(&client.Options{TTL: time.Hour}), "a")
		if len(bodies) != 3 || bodies[0] != bodies[1] || bodies[1] != bodies[2] || l.Token() != 7 {
			t.Errorf("sent %q, token %d", bodies, l.Token())
		}
	})
}

func TestAcquireIsRepeatedWhileTheServiceIsAway(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		s.StopWorker()
		c := s.Client(nil)
		start := time.Now()
		_, err := c.TryAcquire(t.Context(), "a")
		wantErr(t, err, client.ErrUnavailable)
		if d := time.Since(start); d < 15*second || d > 16*second {
			t.Errorf("gave up after %s", d)
		}
		time.AfterFunc(20*time.Minute, s.StartWorker)
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		l := must[*client.Lock](t)(c.TryAcquire(ctx, "a"))
		if d := time.Since(start); d < 20*time.Minute || d > 21*time.Minute {
			t.Errorf("granted after %s", d)
		}
		ok(t, l.Err())
	})
}

func TestUnavailableIsNoDecision(t *testing.T) {
	bubble(t, func(t *testing.T) {
		requests := map[string]int{}
		s := respond(t, func(a asked) {
			m, isAcquire := a.request.(*schema.Acquire)
			if !isAcquire {
				return
			}
			if requests[m.Request]++; requests[m.Request] < 8 {
				a.answer(&schema.Reply{Status: schema.StatusUnavailable, Message: "no leader"})
				return
			}
			a.answer(grant(a, 7))
		})
		acquire(t, s.Client(nil), "a")
		if len(requests) != 1 {
			t.Errorf("%d attempts", len(requests))
		}
	})
}

func TestOnlyTheFirstDecisionCounts(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := respond(t, func(a asked) {
			switch a.verb {
			case schema.VerbAcquire:
				a.answer(grant(a, 7))
				a.answer(grant(a, 8))
				a.answer(&schema.Reply{Status: schema.StatusHeld})
			case schema.VerbRelease:
				a.answer(&schema.Reply{Status: schema.StatusReleased})
				a.answer(&schema.Reply{Status: schema.StatusNotHeld})
			}
		})
		l := acquire(t, s.Client(nil), "a")
		s.wait()
		if l.Token() != 7 || l.Err() != nil {
			t.Errorf("token %d, %v", l.Token(), l.Err())
		}
		ok(t, l.Release(t.Context()))
	})
}

func TestWaitingAcquireIsRepeatedEveryFiveSecondsAtOneInbox(t *testing.T) {
	bubble(t, func(t *testing.T) {
		inboxes, requests := map[string]int{}, map[string]bool{}
		s := respond(t, func(a asked) {
			m, isAcquire := a.request.(*schema.Acquire)
			if !isAcquire {
				return
			}
			requests[m.Request] = true
			if inboxes[a.message.Reply]++; inboxes[a.message.Reply] == 5 {
				a.answer(grant(a, 7))
			}
		})
		start := time.Now()
		must[*client.Lock](t)(s.Client(&client.Options{TTL: time.Hour}).Acquire(t.Context(), "a"))
		if len(inboxes) != 1 || len(requests) != 1 || time.Since(start) > 20*second || time.Since(start) < 17*second {
			t.Errorf("%d inboxes, %d requests, %s", len(inboxes), len(requests), time.Since(start))
		}
	})
}

func TestWaitingAcquireIsRepeatedAtOnceAfterAReconnect(t *testing.T) {
	bubble(t, func(t *testing.T) {
		sent := make(chan string, 10)
		s := respond(t, func(a asked) {
			if a.verb == schema.VerbAcquire {
				sent <- string(a.message.Data)
				if len(sent) == 2 {
					a.answer(grant(a, 7))
				}
			}
		})
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, byTTL))
		defer c.Close()
		time.AfterFunc(2*second, func() { ok(t, nc.ForceReconnect()) })
		start := time.Now()
		must[*client.Lock](t)(c.Acquire(t.Context(), "a"))
		if first, then := <-sent, <-sent; first != then || time.Since(start) > 4*second {
			t.Errorf("after %s: %q, then %q", time.Since(start), first, then)
		}
	})
}

func TestWaiterKeepsItsPlaceOverAReconnect(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		other := s.Client(nil)
		held := acquire(t, other, "a")
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, nil))
		defer c.Close()
		got := make(chan *client.Lock, 1)
		go func() { got <- must[*client.Lock](t)(c.Acquire(t.Context(), "a")) }()
		synctest.Wait()
		ok(t, nc.ForceReconnect())
		go func() {
			if _, err := other.Acquire(t.Context(), "a"); err == nil {
				t.Error("the second waiter was granted")
			}
		}()
		time.Sleep(20 * second)
		ok(t, held.Release(t.Context()))
		ok(t, (<-got).Err())
		ok(t, other.Close())
	})
}

func TestAnAttemptThatEndedUnheardIsMadeAnew(t *testing.T) {
	bubble(t, func(t *testing.T) {
		requests := map[string]int{}
		s := respond(t, func(a asked) {
			m, isAcquire := a.request.(*schema.Acquire)
			if !isAcquire {
				return
			}
			requests[m.Request]++
			switch {
			case len(requests) == 2:
				a.answer(grant(a, 7))
			case requests[m.Request] == 2:
				a.answer(&schema.Reply{Status: schema.StatusNotHeld, Message: "the hold has ended"})
			}
		})
		acquire(t, s.Client(nil), "a")
		if len(requests) != 2 {
			t.Errorf("%d attempts", len(requests))
		}
	})
}

func TestUnreadableAnswersAreInternal(t *testing.T) {
	bubble(t, func(t *testing.T) {
		cancels := 0
		replies := [][]byte{
			[]byte("\xde\xff\xff"),
			[]byte(`{"status":`),
			[]byte(`{"status":"perhaps"}`),
			[]byte(`{}`),
			schema.Append(nil, schema.JSON, &schema.Reply{Status: schema.StatusGranted}),
			schema.Append(nil, schema.JSON, &schema.Reply{Status: schema.StatusGranted, Name: "b"}),
		}
		s := respond(t, func(a asked) {
			if a.verb == schema.VerbCancel {
				cancels++
				a.answer(&schema.Reply{Status: schema.StatusCanceled})
				return
			}
			ok(t, a.conn.Publish(a.message.Reply, replies[cancels]))
		})
		c := s.Client(nil)
		for range replies {
			_, err := c.TryAcquire(t.Context(), "a")
			wantErr(t, err, client.ErrInternal)
			s.wait()
		}
		if cancels != len(replies) {
			t.Errorf("%d attempts were canceled", cancels)
		}
	})
}

func TestClosedConnectionIsUnavailable(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, nil))
		l := acquire(t, c, "a")
		time.AfterFunc(second, nc.Close)
		_, err := c.Acquire(t.Context(), "a")
		wantErr(t, err, client.ErrUnavailable)
		ended(t, l.Context(), client.ErrLost)
		wantErr(t, c.Close(), client.ErrUnavailable)
	})
}
