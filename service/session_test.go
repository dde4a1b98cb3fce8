package service_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// open opens a presence of a client, named by the subject, and returns its epoch.
func (c *caller) open(client, session string) uint64 {
	c.t.Helper()
	return c.as(client, &schema.Keepalive{Session: session, Create: true}).want(schema.StatusOK).Epoch
}

// keep keeps a session alive for d from now on, every third second.
func (b *bubble) keep(client, session string, d time.Duration) {
	b.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		b.pass(min(3*time.Second, time.Until(end)))
		b.as(client, &schema.Keepalive{Session: session}).want(schema.StatusOK)
	}
}

// present acquires name by presence.
func (c *caller) present(client, session, name string) uint64 {
	c.t.Helper()
	return c.as(client, &schema.Acquire{Name: name, Session: session}).want(schema.StatusGranted).Token
}

func TestAHoldLivesAsLongAsItsSession(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		if h := b.state("a").Holders[0]; h.TTL != 0 || len(h.Sessions) != 1 || h.Sessions[0] != "s" {
			t.Errorf("%+v", h)
		}
		b.keep("c", "s", time.Hour)
		b.wantHolders("a", "c")
		b.pass(9 * time.Second)
		b.wantHolders("a", "c")
		b.pass(2 * time.Second)
		b.wantHolders("a")
	})
}

func TestTheNextInLineGetsWhatASilentSessionHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("dead", "s")
		b.present("dead", "s", "a")
		next := b.send(&schema.Acquire{Name: "a", Client: "next", Wait: 60_000})
		b.settle()
		begin := time.Now()
		next.want(schema.StatusGranted)
		if took := time.Since(begin); took < 10*time.Second || took > 11*time.Second {
			t.Errorf("after %s", took)
		}
		b.as("dead", &schema.Keepalive{Session: "s"}).want(schema.StatusSessionExpired)
		b.as("dead", &schema.Acquire{Name: "b", Session: "s"}).want(schema.StatusSessionExpired)
	})
}

func TestSilenceIsOfTheSessionsOwnTTL(t *testing.T) {
	inBubble(t, func(b *bubble) {
		ttl := int64(60_000)
		if r := b.as("c", &schema.Keepalive{Session: "s", Create: true, TTL: &ttl}).want(schema.StatusOK); *r.TTL != ttl {
			t.Errorf("%d", *r.TTL)
		}
		b.present("c", "s", "a")
		b.pass(59 * time.Second)
		b.wantHolders("a", "c")
		b.pass(2 * time.Second)
		b.wantHolders("a")
	})
}

func TestAWaitEndsWithItsSession(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", TTL: ms(3_600_000)})
		b.open("c", "silent")
		b.open("c", "left")
		silent := b.as("c", &schema.Acquire{Name: "a", Session: "silent", Wait: schema.WaitForever})
		left := b.as("c", &schema.Acquire{Name: "a", Session: "left/l", Wait: schema.WaitForever})
		several := b.as("c", &schema.Acquire{Names: []string{"a", "b"}, Session: "left", Wait: schema.WaitForever})
		b.settle()
		if r := b.as("c", &schema.Leave{Session: "left"}).want(schema.StatusOK); *r.Count != 0 {
			t.Errorf("%d holds ended", *r.Count)
		}
		left.want(schema.StatusCanceled)
		several.want(schema.StatusCanceled)
		silent.want(schema.StatusSessionExpired)
		b.wantWaiters("a")
	})
}

func TestLeaveEndsAPresenceWithItsLeaves(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.present("c", "s/1", "b")
		b.present("c", "s/2", "c")
		if r := b.as("c", &schema.Leave{Session: "s/1"}).want(schema.StatusOK); *r.Count != 1 {
			t.Errorf("%d holds of the leaf ended", *r.Count)
		}
		b.wantHolders("a", "c")
		b.wantHolders("b")
		b.as("c", &schema.Acquire{Name: "b", Session: "s/1"}).want(schema.StatusCanceled)
		b.present("c", "s/3", "b")
		if r := b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK); *r.Count != 3 {
			t.Errorf("%d holds ended", *r.Count)
		}
		for _, name := range []string{"a", "b", "c"} {
			b.wantHolders(name)
		}
		b.as("c", &schema.Acquire{Name: "b", Session: "s"}).want(schema.StatusCanceled)
		b.as("c", &schema.Acquire{Name: "b", Session: "s/4"}).want(schema.StatusCanceled)
		for _, unknown := range []string{"s", "s/3", "nobody", "nobody/1"} {
			if r := b.as("c", &schema.Leave{Session: unknown}).want(schema.StatusOK); *r.Count != 0 {
				t.Errorf("%s: %d", unknown, *r.Count)
			}
		}
	})
}

func TestAHoldOfSeveralSessionsEndsWithTheLast(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.open("c", "t")
		b.as("c", &schema.Acquire{Name: "a", Owner: "o", Session: "s"}).want(schema.StatusGranted)
		b.as("c", &schema.Acquire{Name: "a", Owner: "o", Session: "t/1"}).want(schema.StatusAlready)
		b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK)
		b.wantHolders("a", "c")
		b.as("c", &schema.Leave{Session: "t"}).want(schema.StatusOK)
		b.wantHolders("a")
	})
}

func TestASessionIsOfItsClient(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.as("d", &schema.Keepalive{Session: "s", Create: true}).want(schema.StatusDenied)
		b.as("d", &schema.Leave{Session: "s"}).want(schema.StatusDenied)
		b.as("d", &schema.Leave{Session: "s/1"}).want(schema.StatusDenied)
		b.as("d", &schema.Acquire{Name: "a", Session: "s"}).want(schema.StatusDenied)
		b.as("d", &schema.Acquire{Name: "a", Session: "s/1"}).want(schema.StatusDenied)
		b.want(schema.StatusGranted, &schema.Acquire{Name: "a", Client: "d", Session: "s/1"})
		b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Client: "d"})
		b.as("d", &schema.Leave{Session: "s"}).want(schema.StatusDenied)
	})
}

// A caller on the plain subject speaks for others, and is believed.
func TestThePlainSubjectIsTrustedWithEverySession(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.want(schema.StatusGranted, &schema.Acquire{Name: "b", Client: "d", Session: "s/1"})
		b.want(schema.StatusGranted, &schema.Acquire{Name: "c", Client: "d", Session: "s"})
		b.pass(9 * time.Second)
		b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Client: "d"})
		b.pass(9 * time.Second)
		b.wantHolders("a", "c")
		b.as("c", &schema.Keepalive{Session: "s"}).want(schema.StatusOK) // whose it is has not changed
		b.as("d", &schema.Keepalive{Session: "s"}).want(schema.StatusDenied)
		if r := b.want(schema.StatusOK, &schema.Leave{Session: "s/1", Client: "d"}); *r.Count != 1 {
			t.Errorf("%d holds of the leaf ended", *r.Count)
		}
		if r := b.want(schema.StatusOK, &schema.Leave{Session: "s", Client: "e"}); *r.Count != 2 {
			t.Errorf("%d holds ended", *r.Count)
		}
		b.wantHolders("a")
	})
}

func TestEpochsAndNumbers(t *testing.T) {
	inBubble(t, func(b *bubble) {
		first := b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 1}).want(schema.StatusOK).Epoch
		if again := b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 2}).want(schema.StatusOK).Epoch; again != first || first == 0 {
			t.Errorf("epochs %d, %d", first, again)
		}
		b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK)
		b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 1}).want(schema.StatusSessionExpired)
		b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 3, Epoch: first}).want(schema.StatusSessionExpired)
		second := b.as("c", &schema.Keepalive{Session: "s", Create: true, N: 3}).want(schema.StatusOK).Epoch
		if second <= first {
			t.Errorf("epochs %d, %d", first, second)
		}
	})
}

// Locks that still name it know a session whose bucket was lost, which is what
// a restart of the only server does to it.
func TestSessionsAreRebuiltFromTheLocks(t *testing.T) {
	inBubble(t, func(b *bubble) {
		epoch := b.open("c", "s")
		b.present("c", "s/1", "a")
		b.open("d", "t")
		b.present("d", "t", "b")
		waiting := b.as("e", &schema.Acquire{Name: "b", Wait: 60_000})
		b.open("f", "idle")
		b.settle()
		b.workers[0].stop(b.t)
		b.loseSessions()
		b.pass(time.Hour)
		b.start(b.store, nil)
		b.pass(8 * time.Second)
		if r := b.as("c", &schema.Keepalive{Session: "s"}).want(schema.StatusOK); r.Epoch != epoch || *r.TTL != 10_000 {
			t.Errorf("epoch %d, want %d; TTL %d", r.Epoch, epoch, *r.TTL)
		}
		b.as("f", &schema.Keepalive{Session: "idle"}).want(schema.StatusSessionExpired)
		b.as("c", &schema.Acquire{Name: "c", Session: "s"}).want(schema.StatusGranted)
		waiting.silent(0)
		begin := time.Now()
		waiting.want(schema.StatusGranted)
		if took := time.Since(begin); took < time.Second || took > 3*time.Second {
			t.Errorf("what the silent one held went on after %s", took)
		}
		b.wantHolders("a", "c")
		b.keep("c", "s", time.Minute)
		b.wantHolders("a", "c")
		b.wantHolders("c", "c")
		b.pass(11 * time.Second)
		b.wantHolders("a")
	})
}

// A session may have changed its TTL and grace between two acquires: whichever lock
// is seen first, it is rebuilt with those that it had last.
func TestARebuiltSessionHasTheTermsItHadLast(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const n = 8 // the locks are seen in any order
		ttl := func(i, ms int64, lock string) {
			s := fmt.Sprint("s", i)
			b.as("c", &schema.Keepalive{Session: s, Create: true, TTL: &ms, Grace: &ms}).want(schema.StatusOK)
			b.present("c", s, lock+s)
		}
		for i := range int64(n) {
			ttl(i, 1000+i%2*29_000, "a")
			ttl(i, 30_000-i%2*29_000, "b")
		}
		b.settle()
		b.workers[0].stop(b.t)
		b.loseSessions()
		b.start(b.store, nil)
		b.pass(3 * time.Second)
		wants := func(i int, clients ...string) {
			b.wantHolders(fmt.Sprint("as", i), clients...)
			b.wantHolders(fmt.Sprint("bs", i), clients...)
		}
		for i := 1; i < n; i += 2 {
			wants(i)
		}
		b.pass(22 * time.Second)
		for i := 0; i < n; i += 2 {
			wants(i, "c")
		}
		b.pass(7 * time.Second)
		for i := range n {
			b.wantHolders(fmt.Sprint("as", i))
			b.wantHolders(fmt.Sprint("bs", i))
		}
	})
}

// loseSessions replaces the bucket of the sessions by an empty one.
func (b *bubble) loseSessions() {
	old := b.sessions
	b.sessions = bustest.NewMemory()
	old.Close()
}

func TestALeaveIsOneWriteForEachLock(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		const locks = 300
		for i := range locks {
			b.present("c", "s", fmt.Sprint(i))
		}
		writes := b.countWrites()
		if r := b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK); *r.Count != locks {
			t.Errorf("%d holds ended", *r.Count)
		}
		if n := len(writes()); n != locks {
			t.Errorf("%d writes", n)
		}
	})
}

func TestAnAcquireThatSlippedThroughIsReleased(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.open("c", "s")
		b.settle()
		// The write of the acquire takes longer than the leave.
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: 2 * time.Second} })
		acquire := b.as("c", &schema.Acquire{Name: "a", Session: "s"})
		b.settle()
		b.as("c", &schema.Leave{Session: "s"}).want(schema.StatusOK)
		b.store.Fail(nil)
		acquire.want(schema.StatusGranted) // it was, for a moment
		b.pass(time.Second)
		b.wantHolders("a")
	})
}

func TestAnOutageOfTheSessionsEndsNobody(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.pass(5 * time.Second)
		b.sessionsDown(true)
		b.pass(time.Hour)
		lost := b.as("c", &schema.Keepalive{Session: "s"})
		lost.want(schema.StatusUnavailable)
		b.sessionsDown(false)
		b.pass(3 * time.Second)
		b.as("c", &schema.Keepalive{Session: "s"}).want(schema.StatusOK)
		b.wantHolders("a", "c")
		b.pass(11 * time.Second)
		b.wantHolders("a")
	})
}

// sessionsDown makes the bucket of the sessions unavailable, or available again.
func (b *bubble) sessionsDown(down bool) { b.sessions.SetDown(down) }

// lazyStore takes a while for each load.
type lazyStore struct{ bus.Store }

func (s lazyStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	select {
	case <-time.After(100 * time.Millisecond):
	case <-ctx.Done():
	}
	return s.Store.Load(ctx, key)
}

// A keepalive that counts for nothing keeps nobody alive, however many come.
func TestDeniedKeepalivesKeepNobodyAlive(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		b.launchOn(lazyStore{b.sessions})
		b.open("c", "s")
		b.present("c", "s", "a")
		for range 300 {
			b.as("mallory", &schema.Keepalive{Session: "s"})
			b.pass(40 * time.Millisecond)
		}
		b.wantHolders("a")
	})
}
