package client_test

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestManyLocksAreKeptWithoutAGoroutineEach(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		acquire(t, c, "first")
		synctest.Wait()
		before := runtime.NumGoroutine()
		var locks []*client.Lock
		for i := range 1000 {
			l := acquire(t, c, fmt.Sprintf("a/%d", i))
			ok(t, l.Context().Err())
			locks = append(locks, l)
		}
		synctest.Wait()
		if n := runtime.NumGoroutine(); n > before+5 {
			t.Errorf("%d goroutines more", n-before)
		}
		time.Sleep(2 * time.Minute)
		for _, l := range locks {
			ok(t, l.Err())
		}
	})
}

func TestRenewalsArePaced(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const locks = 500
		var open atomic.Int64
		tokens, most, renewals := uint64(0), int64(0), map[string]bool{}
		s := respond(t, func(a asked) {
			switch m := a.request.(type) {
			case *schema.Acquire:
				tokens++
				a.answer(grant(a, tokens))
			case *schema.Renew:
				most = max(most, open.Add(1))
				renewals[m.Name] = true
				time.AfterFunc(second, func() {
					open.Add(-1)
					ttl := int64(30_000)
					a.answer(&schema.Reply{Status: schema.StatusRenewed, TTL: &ttl})
				})
			}
		})
		c := s.Client(nil)
		for i := range locks {
			acquire(t, c, fmt.Sprint(i))
		}
		time.Sleep(18 * second) // the first third of the TTL, and 500 renewals of a second each
		s.wait()
		if len(renewals) != locks || most != 64 {
			t.Errorf("%d locks renewed, %d renewals at a time", len(renewals), most)
		}
	})
}

func TestManyLocksSurviveAnOutage(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(byTTL)
		var locks []*client.Lock
		for i := range 300 {
			locks = append(locks, acquire(t, c, fmt.Sprint(i)))
		}
		s.StopWorker()
		time.Sleep(25 * second)
		s.StartWorker()
		time.Sleep(time.Minute)
		for _, l := range locks {
			ok(t, l.Err())
		}
	})
}

func TestRenewByTokenReturnsTheTTL(t *testing.T) {
	s := clienttest.New(t)
	l := acquire(t, s.Client(nil), "a", client.TTL(20*second), client.NoRenew())
	c := s.Client(nil)
	if ttl, err := c.Renew(t.Context(), "a", l.Token(), nil); err != nil || ttl != 20*second {
		t.Errorf("%s, %v", ttl, err)
	}
	other := time.Minute
	if ttl, err := c.Renew(t.Context(), "a", l.Token(), &other); err != nil || ttl != time.Minute {
		t.Errorf("%s, %v", ttl, err)
	}
	_, err := c.Renew(t.Context(), "a", l.Token()+1, nil)
	wantErr(t, err, client.ErrNotHeld)
	other = time.Nanosecond
	_, err = c.Renew(t.Context(), "a", l.Token(), &other)
	wantErr(t, err, client.ErrInvalid)
}

func TestHeldLockIsSmall(t *testing.T) {
	tokens := uint64(0)
	s := respond(t, func(a asked) {
		if a.verb != schema.VerbAcquire { // a release, or a cancel of what took too long
			a.answer(&schema.Reply{Status: schema.StatusOK})
			return
		}
		tokens++
		a.answer(grant(a, tokens))
	})
	c := s.Client(&client.Options{TTL: time.Hour})
	acquire(t, c, "first")
	const locks = 10_000
	kept := make([]*client.Lock, locks)
	before := heap()
	for i := range kept {
		kept[i] = acquire(t, c, fmt.Sprintf("orders/2026/%08d", i))
	}
	if each := (heap() - before) / locks; each > 600 {
		t.Errorf("a held lock takes %d bytes", each)
	} else {
		t.Logf("a held lock takes %d bytes", each)
	}
	runtime.KeepAlive(kept)
}

// heap is how much memory is in use.
func heap() int64 {
	emptyPools()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
