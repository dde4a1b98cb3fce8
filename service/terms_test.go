package service_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// markBytes are behind each stored record.
const markBytes = 8

// stored is a lock as it is stored.
func (b *bubble) stored(name string) (lock.Record, uint64) {
	b.t.Helper()
	e, err := b.store.Load(b.t.Context(), schema.LockKey(realm, name))
	if err != nil || len(e.Value) < markBytes {
		b.t.Fatalf("%s: %v, %x", name, err, e.Value)
	}
	r, err := lock.Decode(e.Value[:len(e.Value)-markBytes], e.Revision)
	if err != nil {
		b.t.Fatalf("%s: %v", name, err)
	}
	return r, e.Revision
}

// wantTerms fails the test unless all that a lock's record says of sessions has
// these terms.
func (b *bubble) wantTerms(name string, ttl, grace time.Duration) {
	b.t.Helper()
	r, _ := b.stored(name)
	var all []lock.Session
	for _, h := range r.Holds {
		all = append(all, h.Sessions...)
	}
	for _, w := range r.Waiters {
		if w.Session.ID != "" {
			all = append(all, w.Session)
		}
	}
	for _, s := range r.Sets {
		all = append(all, s.Session)
	}
	if len(all) == 0 {
		b.t.Fatalf("%s names no session", name)
	}
	for _, s := range all {
		if s.TTL != ttl.Milliseconds() || s.Grace != grace.Milliseconds() {
			b.t.Fatalf("%s is named with %+v, want %s and %s", name, s, ttl, grace)
		}
	}
}

// terms is a keepalive that sets TTL and grace.
func terms(session string, n uint64, ttl, grace time.Duration) *schema.Keepalive {
	return &schema.Keepalive{Session: session, N: n, TTL: ms(ttl.Milliseconds()), Grace: ms(grace.Milliseconds())}
}

// reborn starts all anew: nothing is left of what the sessions' bucket has said.
func (b *bubble) reborn() {
	b.t.Helper()
	b.settle()
	n := 0
	for _, w := range b.workers {
		if !w.ended {
			n++
			w.stop(b.t)
		}
	}
	b.loseSessions()
	for range n {
		b.start(b.store, nil)
	}
	b.settle()
}

// Promise 3: whoever was told `ok` with a longer TTL has it, whatever is restarted.
func TestTermsThatHaveChangedOutliveARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.present("c", "s/1", "b")
		b.open("other", "o")
		b.present("other", "o", "x")
		b.as("c", &schema.Acquire{Name: "x", Session: "s/2", Wait: schema.WaitForever})
		b.as("c", &schema.Acquire{Names: []string{"d", "x"}, Session: "s", Wait: schema.WaitForever})
		b.settle()
		if r := b.as("c", terms("s", 2, time.Minute, 20*time.Second)).want(schema.StatusOK); *r.TTL != 60_000 {
			t.Errorf("told %d", *r.TTL)
		}
		for _, name := range []string{"a", "b", "d"} {
			b.wantTerms(name, time.Minute, 20*time.Second)
		}
		b.reborn()
		b.pass(11 * time.Second)
		b.wantHolders("x", "c") // its turn has come, since another's session has ended by its own TTL
		b.pass(40 * time.Second)
		cid := uint64(7)
		m := &schema.Keepalive{Session: "s", N: 3, Server: "S", CID: &cid}
		if r := b.as("c", m).want(schema.StatusOK); *r.TTL != 60_000 {
			t.Errorf("told %d after a restart", *r.TTL)
		}
		b.closed(7)
		b.pass(19 * time.Second)
		for name, client := range map[string]string{"a": "c", "b": "c", "x": "c"} {
			b.wantHolders(name, client)
		}
		b.pass(2 * time.Second)
		b.wantHolders("a")
		b.wantHolders("b")
	})
}

// The same with a real server and its files. That the first TTL has passed is
// known by another session, which had a longer one than that.
func TestTermsOutliveTheServer(t *testing.T) {
	dir := t.TempDir()
	s := start(t, dir)
	s.as("c", &schema.Keepalive{Session: "s", Create: true, TTL: ms(2_000)}).want(schema.StatusOK)
	s.caller.present("c", "s/1", "a")
	s.as("c", terms("s", 1, time.Minute, time.Second)).want(schema.StatusOK)
	s.as("c", &schema.Keepalive{Session: "short", Create: true, TTL: ms(2_500)}).want(schema.StatusOK)
	s.caller.present("c", "short", "b")
	s.stop()
	s = start(t, dir)
	s.want(schema.StatusGranted, &schema.Acquire{Name: "b", Client: "next", Wait: 60_000})
	s.wantHolders("a", "c")
	if r := s.as("c", &schema.Keepalive{Session: "s"}).want(schema.StatusOK); *r.TTL != 60_000 {
		t.Errorf("told %d", *r.TTL)
	}
}

func TestShorterTermsOutliveARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.as("c", &schema.Keepalive{Session: "s", Create: true, TTL: ms(60_000)}).want(schema.StatusOK)
		b.present("c", "s", "a")
		b.as("c", terms("s", 0, 5*time.Second, time.Second)).want(schema.StatusOK)
		b.present("c", "s", "b")
		b.reborn()
		b.pass(4 * time.Second)
		b.wantHolders("a", "c")
		b.wantHolders("b", "c")
		b.pass(2 * time.Second)
		b.wantHolders("a")
		b.wantHolders("b")
	})
}

// A copy of a keepalive from before the change, that a restart lets in, sets no old terms.
func TestLateKeepalivesSetNoOldTermsAfterARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		old := terms("s", 3, 10*time.Second, 2*time.Second)
		opening := terms("s", 1, 10*time.Second, 2*time.Second)
		opening.Create = true
		epoch := b.as("c", opening).want(schema.StatusOK).Epoch
		old.Epoch = epoch
		b.present("c", "s", "a")
		b.as("c", old).want(schema.StatusOK)
		b.as("c", terms("s", 4, time.Minute, 2*time.Second)).want(schema.StatusOK)
		b.present("c", "s", "b")
		b.unlock("a", b.state("a").Holders[0].Token)
		b.reborn()
		for _, m := range []*schema.Keepalive{opening, old} {
			if r := b.as("c", m).want(schema.StatusOK); r.Epoch != epoch || *r.TTL != 60_000 {
				t.Errorf("%d is told %+v of epoch %d", m.N, r, epoch)
			}
		}
		b.pass(50 * time.Second)
		b.wantHolders("b", "c")
		if r := b.as("c", &schema.Keepalive{Session: "s", Epoch: epoch, N: 5}).want(schema.StatusOK); *r.TTL != 60_000 {
			t.Errorf("told %d", *r.TTL)
		}
		b.pass(59 * time.Second)
		b.wantHolders("b", "c")
	})
}

// An acquire was on its way when the terms changed. Whoever sees what it has stored
// brings that up to date.
func TestAnAcquireUnderWayIsToldOfLaterTerms(t *testing.T) {
	for workers := 1; workers <= 2; workers++ {
		for _, m := range []*schema.Acquire{
			{Name: "a", Session: "s"}, {Name: "a", Owner: "o", Session: "s/1"}, {Names: []string{"a", "b"}, Session: "s"},
		} {
			inBubbleOf(t, workers, func(b *bubble) {
				b.open("c", "s")
				b.as("c", &schema.Acquire{Name: "a", Owner: "o", Session: "s", Mode: schema.ModeExclusive}).want(schema.StatusGranted)
				if m.Owner == "" {
					b.unlock("a", b.state("a").Holders[0].Token)
				}
				b.settle()
				b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: 2 * time.Second} })
				acquire := b.as("c", m)
				b.settle()
				b.store.Fail(nil)
				b.as("c", terms("s", 1, time.Minute, time.Second)).want(schema.StatusOK)
				if got := acquire.reply(); !got.Status.OK() {
					t.Fatalf("%+v", got)
				}
				b.settle()
				b.wantTerms("a", time.Minute, time.Second)
				b.reborn()
				b.pass(50 * time.Second)
				b.wantHolders("a", "c")
			})
		}
	}
}

// Workers that see things late, and in another order, come to the same, and then rest.
func TestWorkersWithDifferentViewsComeToTheSameTerms(t *testing.T) {
	for s := range 4 {
		inBubbleOf(t, 2, func(b *bubble) {
			b.store.SetLag(time.Duration(s%2) * 700 * time.Millisecond)
			b.sessions.SetLag(time.Duration(s/2) * 900 * time.Millisecond)
			b.open("c", "s")
			names := []string{"a", "b", "c", "d"}
			for n := range uint64(40) {
				name := names[n%4]
				b.as("c", &schema.Acquire{Name: name, Session: "s", Request: fmt.Sprint(n), Owner: "o"})
				ttl := time.Duration(10+n*7%13) * time.Second
				b.as("c", terms("s", n+1, ttl, time.Duration(n%3)*time.Second))
				b.pass(100 * time.Millisecond)
			}
			r := b.as("c", terms("s", 41, 33*time.Second, 3*time.Second)).want(schema.StatusOK)
			b.pass(3 * time.Second)
			writes := b.countWrites()
			b.as("c", &schema.Keepalive{Session: "s", N: 42}).want(schema.StatusOK)
			b.as("c", &schema.Keepalive{Session: "s", N: 43}).want(schema.StatusOK)
			b.pass(20 * time.Second)
			for _, name := range names {
				b.wantTerms(name, 33*time.Second, 3*time.Second)
			}
			if list := writes(); len(list) > 0 || *r.TTL != 33_000 {
				t.Errorf("round %d: told %d, and %d writes when nothing changes: %q", s, *r.TTL, len(list), list)
			}
			b.pass(15 * time.Second)
			b.wantHolders("a")
		})
	}
}

// To be told of terms is nothing to a hold's token, TTL and place, nor to anybody who listens.
func TestTermsChangeNothingElse(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.as("c", &schema.Acquire{Name: "a", Session: "s", TTL: ms(20_000)}).want(schema.StatusGranted)
		waits := b.as("d", &schema.Acquire{Name: "a", Wait: 3_600_000})
		b.as("c", &schema.Acquire{Name: "a", Session: "s", Wait: 3_600_000})
		b.pass(8 * time.Second)
		before, events := b.state("a"), b.events()
		b.as("c", terms("s", 1, time.Minute, time.Second)).want(schema.StatusOK)
		b.wantTerms("a", time.Minute, time.Second)
		after := b.state("a")
		if before.Holders[0].Token != after.Holders[0].Token || *before.Holders[0].ExpiresIn != *after.Holders[0].ExpiresIn {
			t.Errorf("%+v became %+v", before.Holders[0], after.Holders[0])
		}
		b.wantWaiters("a", "d", "c")
		if list := events(); len(list) > 0 {
			t.Errorf("%q", list)
		}
		begin := time.Now()
		waits.want(schema.StatusGranted)
		if took := time.Since(begin); took < 12*time.Second || took > 13*time.Second {
			t.Errorf("the TTL ended after %s more", took)
		}
	})
}

// Records of a natslock that did not count changes: of several terms of one opening
// the longer ones hold.
func TestUncountedTermsAreTheLongerOnes(t *testing.T) {
	for _, loses := range []bool{true, false} {
		inBubble(t, func(b *bubble) {
			b.as("c", &schema.Keepalive{Session: "s", Create: true, TTL: ms(30_000)}).want(schema.StatusOK)
			names := []string{"a", "b", "c", "d"}
			for _, name := range names {
				b.present("c", "s", name)
			}
			b.settle()
			b.workers[0].stop(t)
			for _, name := range names[1:3] {
				r, revision := b.stored(name)
				r.Holds[0].Sessions = slices.Clone(r.Holds[0].Sessions)
				r.Holds[0].Sessions[0].TTL = 5_000
				value := append(r.Append(nil), make([]byte, markBytes)...)
				b.store.Commit([]bus.Write{{Key: schema.LockKey(realm, name), Value: value, Expected: revision}}, func(uint64, error) {})
			}
			b.settle()
			if loses {
				b.loseSessions()
			}
			b.start(b.store, nil)
			b.settle()
			if !loses {
				b.wantTerms("b", 30*time.Second, 0)
			}
			b.pass(25 * time.Second)
			for _, name := range names {
				b.wantHolders(name, "c")
			}
		})
	}
}
