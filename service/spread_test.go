package service_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// Nobody is told of a TTL before it is stored where it outlives a restart. Meanwhile
// the session and all others are kept alive, by all workers.
func TestKeepalivesAreStoredWhileLocksAreTold(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.open("d", "t")
		b.settle()
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: 30 * time.Second} })
		answers := []*pending{b.as("c", terms("s", 1, 11*time.Second, time.Second))}
		for n := range uint64(20) { // until the write of the one that came last is over, too
			b.pass(3 * time.Second)
			if n == 8 {
				for _, p := range answers {
					p.silent(0)
				}
				b.store.Fail(nil)
			}
			answers = append(answers, b.as("c", &schema.Keepalive{Session: "s", N: n + 2}))
			begin := time.Now()
			b.as("d", &schema.Keepalive{Session: "t"}).want(schema.StatusOK)
			if took := time.Since(begin); took > 50*time.Millisecond {
				t.Errorf("the keepalive of another session took %s", took)
			}
		}
		b.wantHolders("a", "c")
		for _, p := range answers {
			if r := p.want(schema.StatusOK); *r.TTL > 11_000 {
				t.Errorf("told %d", *r.TTL)
			}
		}
		b.wantTerms("a", 11*time.Second, time.Second)
		b.pass(12 * time.Second)
		b.wantHolders("a")
	})
}

// However often the terms change while locks are being told, they are told once more.
func TestChangesInARowAreToldTogether(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		for i := range 5 {
			b.present("c", "s", fmt.Sprint(i))
		}
		written := 0
		b.store.Fail(func([]bus.Write) bustest.Fault {
			written++
			return bustest.Fault{Delay: time.Second}
		})
		var answers []*pending
		for n := range uint64(50) {
			answers = append(answers, b.as("c", terms("s", n+1, time.Duration(n+10)*time.Second, time.Second)))
			b.settle()
		}
		for _, p := range answers {
			p.want(schema.StatusOK)
		}
		if written != 10 {
			t.Errorf("%d writes for 5 locks", written)
		}
		for i := range 5 {
			b.wantTerms(fmt.Sprint(i), 59*time.Second, time.Second)
		}
	})
}

func TestKeepalivesThatChangeNothingWriteNoLock(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.as("c", terms("s", 1, 20*time.Second, time.Second)).want(schema.StatusOK)
		writes := b.countWrites()
		for n := range uint64(10) {
			b.as("c", terms("s", n+2, 20*time.Second, time.Second)).want(schema.StatusOK)
			b.as("c", terms("s", 1, 10*time.Second, time.Second)).want(schema.StatusOK)
		}
		b.reborn()
		b.as("c", terms("s", 12, 20*time.Second, time.Second)).want(schema.StatusOK)
		b.pass(15 * time.Second)
		if n := len(writes()); n != 0 {
			t.Errorf("%d writes", n)
		}
	})
}

// What is not known to be stored is not told: `unavailable`, and a repeat works.
func TestTermsThatCannotBeStoredAreUnavailable(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		for i := range 200 { // more than are told at once
			b.present("c", "s", fmt.Sprint(i))
		}
		b.store.SetDown(true)
		m := terms("s", 1, time.Minute, time.Second)
		first := b.as("c", m)
		b.pass(2 * time.Second)
		later := b.as("c", &schema.Keepalive{Session: "s", N: 2})
		first.silent(0)
		first.want(schema.StatusUnavailable)
		later.want(schema.StatusUnavailable)
		begin := time.Now()
		b.as("c", m).want(schema.StatusUnavailable)
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("after %s", took)
		}
		b.store.SetDown(false)
		b.pass(5 * time.Second)
		if r := b.as("c", &schema.Keepalive{Session: "s", N: 2}).want(schema.StatusOK); *r.TTL != 60_000 {
			t.Errorf("told %d", *r.TTL)
		}
		for i := range 200 {
			b.wantTerms(fmt.Sprint(i), time.Minute, time.Second)
		}
		b.pass(50 * time.Second)
		b.wantHolders("7", "c")
	})
}

// A worker dies before it has told the locks: the next one does.
func TestTheNextWorkerTellsWhatTheLastOneHasNot(t *testing.T) {
	for _, repeats := range []bool{false, true} {
		inBubble(t, func(b *bubble) {
			b.open("c", "s")
			b.present("c", "s", "a")
			b.store.SetDown(true)
			m := terms("s", 1, time.Minute, time.Second)
			lost := b.as("c", m)
			b.settle()
			b.workers[0].stop(t)
			lost.close()
			b.store.SetDown(false)
			b.start(b.store, nil)
			if repeats {
				b.as("c", m).want(schema.StatusOK)
			}
			b.settle()
			b.wantTerms("a", time.Minute, time.Second)
		})
	}
}

// Many locks are told a few at a time, and nobody waits for them who does not have to.
func TestManyLocksAreToldBesideEverythingElse(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		const locks = 1500
		all := b.listen()
		subject := schema.RequestSubject(realm, schema.VerbAcquire, "c")
		for i := range locks {
			all.sendTo(subject, &schema.Acquire{Name: fmt.Sprint(i), Session: "s"})
		}
		for range locks {
			all.want(schema.StatusGranted)
		}
		b.open("d", "t")
		var now, most atomic.Int64
		b.store.Fail(func([]bus.Write) bustest.Fault {
			most.Store(max(most.Load(), now.Add(1))) // one write after the other begins
			time.AfterFunc(100*time.Millisecond-1, func() { now.Add(-1) })
			return bustest.Fault{Delay: 100 * time.Millisecond}
		})
		raise := b.as("c", terms("s", 1, time.Minute, time.Second))
		for range 10 {
			begin := time.Now()
			b.as("d", &schema.Keepalive{Session: "t"}).want(schema.StatusOK)
			if took := time.Since(begin); took > 50*time.Millisecond {
				t.Fatalf("a keepalive of another session took %s", took)
			}
			b.pass(100 * time.Millisecond)
		}
		raise.silent(0)
		raise.want(schema.StatusOK)
		if n := most.Load(); n < 10 || n > 100 {
			t.Errorf("%d writes at once", n)
		}
		b.wantTerms("0", time.Minute, time.Second)
		b.wantTerms(fmt.Sprint(locks-1), time.Minute, time.Second)
	})
}

// A lock that cannot be told, for nobody can read its record, is not told again and again:
// the keepalive that found out is refused, and others are not.
func TestALockThatCannotBeReadIsToldOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.store.SetLag(time.Hour) // the worker has not seen what another one writes
		_, revision := b.stored("a")
		b.store.Commit([]bus.Write{{Key: schema.LockKey(realm, "a"), Value: []byte("\xff written by a later version"), Expected: revision}}, func(uint64, error) {})
		b.settle()
		writes := b.countWrites()
		want := schema.StatusInternal
		for n := range uint64(3) {
			b.as("c", terms("s", n+1, time.Duration(n+20)*time.Second, time.Second)).want(want)
			b.pass(time.Second)
			want = schema.StatusOK
		}
		if n := len(writes()); n > 3 {
			t.Errorf("%d writes", n)
		}
		b.store.SetLag(0)
	})
}

// What waits for one session's locks to be told is bounded.
func TestKeepalivesThatWaitForLocksAreBounded(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.present("c", "s", "a")
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: 10 * time.Second} })
		all := b.listen()
		for n := range uint64(300) {
			all.sendTo(schema.RequestSubject(realm, schema.VerbKeepalive, "c"), terms("s", n+1, 20*time.Second, time.Second))
			if n%50 == 0 {
				b.pass(100 * time.Millisecond)
			}
		}
		counts := map[schema.Status]int{}
		for range 300 {
			counts[all.reply().Status]++
		}
		if ok, limit := counts[schema.StatusOK], counts[schema.StatusLimit]; ok != 256 || limit != 44 {
			t.Errorf("%v", counts)
		}
	})
}
