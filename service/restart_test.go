package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

func TestEverythingSurvivesARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	held := s.lock(&schema.Acquire{Name: "held", Client: "x", Owner: "o", Request: "r", TTL: ms(60_000), Meta: schema.Meta(`{"k":1}`)})
	busy := s.lock(&schema.Acquire{Name: "busy", Client: "x", TTL: ms(60_000)})
	first := &schema.Acquire{Name: "busy", Client: "first", Request: "r", Wait: 60_000}
	second := &schema.Acquire{Name: "busy", Client: "second", Request: "r", Wait: 60_000}
	several := &schema.Acquire{Names: []string{"busy", "c", "a"}, Client: "several", Request: "r", Wait: 60_000}
	ended := &schema.Acquire{Name: "ended", Client: "x", Request: "r"}
	s.send(first)
	s.waiters("busy", 1)
	s.send(second)
	s.waiters("busy", 2)
	s.send(several)
	s.waiters("a", 1)
	s.unlock("ended", s.lock(ended))
	before := s.state("held").Holders[0]
	s.stop()

	s = start(t, dir)
	after := s.state("held").Holders[0]
	if after.Token != held || after.Client != "x" || after.Owner != "o" || !after.GrantedAt.Equal(before.GrantedAt) || string(after.Meta) != `{"k":1}` {
		t.Errorf("before %+v, after %+v", before, after)
	}
	s.wantWaiters("busy", "first", "second")
	s.wantWaiters("a", "several")
	s.want(schema.StatusNotHeld, ended)
	if r := s.want(schema.StatusGranted, &schema.Acquire{Name: "held", Client: "x", Request: "r"}); r.Token != held {
		t.Errorf("the token %d became %d", held, r.Token)
	}
	s.want(schema.StatusRenewed, &schema.Renew{Name: "held", Token: held})

	// Callers come back in another order than they came. A refusal comes after
	// they have been taken in: requests of other verbs could overtake them.
	all, two, one := s.send(several), s.send(second), s.send(first)
	s.want(schema.StatusHeld, &schema.Acquire{Name: "busy", Client: "late"})
	s.unlock("busy", busy)
	token := one.want(schema.StatusGranted).Token
	s.unlock("busy", token)
	next := two.want(schema.StatusGranted).Token
	s.unlock("busy", next)
	last := all.want(schema.StatusGranted).Locks[0].Token
	if held >= busy || busy >= token || token >= next || next >= last {
		t.Errorf("tokens %d, %d, %d, %d, %d do not grow", held, busy, token, next, last)
	}
}

// waiters waits until so many wait for a lock.
func (c *caller) waiters(name string, n int) {
	c.t.Helper()
	for end := time.Now().Add(c.patience); len(c.state(name).Waiters) < n; {
		if time.Now().After(end) {
			c.t.Fatalf("%d wait for %s, want %d", len(c.state(name).Waiters), name, n)
		}
	}
}

func TestARestartedWorkerGrantsWhoeverStillListens(t *testing.T) {
	s := start(t, t.TempDir())
	s.lock(&schema.Acquire{Name: "a", TTL: ms(700)})
	waiting := s.send(&schema.Acquire{Name: "a", Client: "w", Wait: 60_000})
	several := s.send(&schema.Acquire{Names: []string{"a", "b"}, Client: "s", Wait: 60_000})
	s.waiters("a", 2)
	begin := time.Now()
	s.restart()
	token := waiting.want(schema.StatusGranted).Token
	if took := time.Since(begin); took < 700*time.Millisecond {
		t.Errorf("the TTL began anew, and yet the hold ended after %s", took)
	}
	s.unlock("a", token)
	several.want(schema.StatusGranted)
}

// A waiter whose caller has gone with the old server is passed over, and has
// its place again when it comes back.
func TestAWaiterThatComesBackAfterARestartHasLostNothing(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	busy := s.lock(&schema.Acquire{Name: "a", TTL: ms(60_000)})
	m := &schema.Acquire{Name: "a", Client: "back", Request: "r", Wait: 60_000}
	s.send(m)
	s.waiters("a", 1)
	s.stop()

	s = start(t, dir)
	next := s.send(&schema.Acquire{Name: "a", Client: "next", Wait: 60_000})
	s.waiters("a", 2)
	s.unlock("a", busy)
	token := next.want(schema.StatusGranted).Token
	back := s.send(m)
	late := s.send(&schema.Acquire{Name: "a", Client: "late", Wait: 60_000})
	s.waiters("a", 2)
	s.wantWaiters("a", "back", "late")
	s.unlock("a", token)
	s.unlock("a", back.want(schema.StatusGranted).Token)
	late.want(schema.StatusGranted)
}

func TestManyLocksAreReadBeforeReady(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	const n, together = 2000, 100 // not all at once: a slow machine would be late with the last ones
	all := s.listen()
	for at := 0; at < n; at += together {
		for i := range together {
			all.send(&schema.Acquire{Name: fmt.Sprint(at + i), Client: "x", TTL: ms(schema.MaxTTL)})
		}
		for range together {
			all.want(schema.StatusGranted)
		}
	}
	s.stop()
	s = start(t, dir)
	if got := s.held(); got != n {
		t.Errorf("%d locks are held, want %d", got, n)
	}
}
