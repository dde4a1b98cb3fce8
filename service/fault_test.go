package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
)

// script fails the next commits one after the other as it says; later ones
// succeed.
func (b *bubble) script(faults ...bustest.Fault) {
	b.store.Fail(func([]bus.Write) bustest.Fault {
		if len(faults) == 0 {
			return bustest.Fault{}
		}
		next := faults[0]
		faults = faults[1:]
		return next
	})
}

func repeated(n int, f bustest.Fault) []bustest.Fault {
	list := make([]bustest.Fault, n)
	for i := range list {
		list[i] = f
	}
	return list
}

// storms are what may happen to one write.
var storms = map[string][]bustest.Fault{
	"slow":                     {{Delay: 1500 * time.Millisecond}},
	"conflict":                 {{Kind: bustest.Conflict}},
	"conflicts":                repeated(20, bustest.Fault{Kind: bustest.Conflict}),
	"unavailable":              repeated(20, bustest.Fault{Kind: bustest.Unavailable}),
	"lost":                     {{Kind: bustest.Lost, Delay: 2 * time.Second}},
	"lost twice":               repeated(2, bustest.Fault{Kind: bustest.Lost, Delay: time.Second}),
	"stored unheard":           {{Kind: bustest.LostAck}},
	"stored unheard twice":     repeated(2, bustest.Fault{Kind: bustest.LostAck}),
	"stored unheard, then off": append([]bustest.Fault{{Kind: bustest.LostAck}}, repeated(10, bustest.Fault{Kind: bustest.Unavailable})...),
	"late":                     {{Kind: bustest.Late, Late: 50 * time.Millisecond}},
	"later than the next try":  {{Kind: bustest.Late, Late: 150 * time.Millisecond}},
	"late, next try under way": {{Kind: bustest.Late, Late: 150 * time.Millisecond}, {Delay: 200 * time.Millisecond}},
	"late twice":               repeated(2, bustest.Fault{Kind: bustest.Late, Late: 500 * time.Millisecond}),
	// With replicas, a write of the key that is in flight makes the next one
	// conflict before the leader shows anything of it.
	"late, in flight": append([]bustest.Fault{{Kind: bustest.Late, Late: 400 * time.Millisecond}},
		repeated(8, bustest.Fault{Kind: bustest.Conflict, Delay: 50 * time.Millisecond})...),
	"lost, but first thought in flight": append([]bustest.Fault{{Kind: bustest.Lost}},
		repeated(8, bustest.Fault{Kind: bustest.Conflict, Delay: 50 * time.Millisecond})...),
}

func eachStorm(t *testing.T, test func(*bubble, []bustest.Fault)) {
	t.Helper()
	for name, faults := range storms {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) { test(b, faults) })
		})
	}
}

func TestGrantOutlivesTheStoresFaults(t *testing.T) {
	eachStorm(t, func(b *bubble, faults []bustest.Fault) {
		b.script(faults...)
		token := b.lock(&schema.Acquire{Name: "a", Client: "x"})
		if got := b.state("a").Holders; len(got) != 1 || got[0].Token != token {
			b.t.Fatalf("told %d, held %+v", token, got)
		}
		b.settle()
		b.wantHolders("a", "x")
	})
}

func TestHandOverOutlivesTheStoresFaults(t *testing.T) {
	eachStorm(t, func(b *bubble, faults []bustest.Fault) {
		events := b.events()
		token := b.lock(&schema.Acquire{Name: "a", Client: "x"})
		waiting := b.send(&schema.Acquire{Name: "a", Client: "y", Wait: 60_000})
		b.settle()
		b.script(faults...)
		b.unlock("a", token)
		next := waiting.want(schema.StatusGranted)
		waiting.silent(10 * time.Second)
		if got := b.state("a").Holders; len(got) != 1 || got[0].Token != next.Token {
			b.t.Fatalf("told %d, held %+v", next.Token, got)
		}
		want := []string{"granted x", "queued y", "released x", "granted y"}
		if got := events(); !equal(got, want) {
			b.t.Fatalf("events %q, want %q", got, want)
		}
	})
}

func TestSeveralNamesOutliveTheStoresFaults(t *testing.T) {
	eachStorm(t, func(b *bubble, faults []bustest.Fault) {
		token := b.lock(&schema.Acquire{Name: "b", Client: "x"})
		waiting := b.send(&schema.Acquire{Names: []string{"a", "b", "c"}, Client: "y", Wait: 60_000})
		b.settle()
		b.store.Fail(func(writes []bus.Write) bustest.Fault {
			if len(writes) < 3 || len(faults) == 0 {
				return bustest.Fault{}
			}
			next := faults[0]
			faults = faults[1:]
			return next
		})
		b.unlock("b", token)
		all := waiting.want(schema.StatusGranted)
		waiting.silent(10 * time.Second)
		for _, l := range all.Locks {
			if got := b.state(l.Name).Holders; len(got) != 1 || got[0].Token != l.Token {
				b.t.Fatalf("%s: told %d, held %+v", l.Name, l.Token, got)
			}
		}
	})
}

// A write that was stored without the worker's knowing, and that another worker
// has built on, is not repeated, and whoever was to hear of it does.
func TestAnotherWorkerMayBuildOnAWriteInDoubt(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", Client: "x"})
		waiting := b.send(&schema.Acquire{Name: "a", Client: "y", Wait: 60_000})
		b.settle()
		// Whoever releases does not hear of it; by the time it tries again,
		// the other has queued one more.
		first := true
		b.store.Fail(func([]bus.Write) bustest.Fault {
			if first {
				first = false
				return bustest.Fault{Kind: bustest.LostAck}
			}
			return bustest.Fault{}
		})
		release := b.send(&schema.Release{Name: "a", Token: token})
		b.settle()
		third := &schema.Acquire{Name: "a", Client: "z", Request: "r", Wait: 60_000}
		var more []*pending
		for range 20 { // one of them reaches the other worker
			more = append(more, b.send(third))
		}
		b.settle()
		b.pass(time.Second)
		if got := release.reply().Status; got != schema.StatusReleased && got != schema.StatusNotHeld {
			t.Errorf("release: %s", got)
		}
		b.wantHolders("a", "y")
		b.wantWaiters("a", "z")
		next := waiting.want(schema.StatusGranted) // though its grant was in the write in doubt
		b.unlock("a", next.Token)
		b.settle()
		b.wantHolders("a", "z")
		more[0].close()
	})
}

// Two workers may write the very same record. None takes the other's write for
// its own.
func TestNobodyTakesAnothersWriteForItsOwn(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.store.SetLag(time.Hour)
		for i := range 40 {
			name := fmt.Sprint(i)
			b.lock(&schema.Acquire{Name: name, Client: "x", Owner: "o"})
			b.want(schema.StatusAlready, &schema.Acquire{Name: name, Client: "x", Owner: "o"})
			release := &schema.Release{Name: name, Client: "x", Owner: "o"}
			b.want(schema.StatusReleased, release)
			// Whoever has not seen that yet decides the same; its write comes to
			// nothing, and it does not hear of that.
			b.script(bustest.Fault{Kind: bustest.LostAck}, bustest.Fault{})
			b.want(schema.StatusNotHeld, release)
			b.store.Fail(nil)
		}
	})
}

func TestAStaleReplicaRefusesNobody(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		b.store.SetLag(time.Hour)
		for i := range 50 {
			name := fmt.Sprint(i % 7)
			token := b.lock(&schema.Acquire{Name: name, Client: "x"})
			b.want(schema.StatusHeld, &schema.Acquire{Name: name, Client: "y"})
			b.want(schema.StatusRenewed, &schema.Renew{Name: name, Token: token})
			b.unlock(name, token)
			b.want(schema.StatusNotHeld, &schema.Release{Name: name, Token: token})
		}
	})
}

// Part of a repeat of several names may rest on what another worker has
// overtaken: it must not be told with the rest.
func TestAGrantOfSeveralNamesIsTrueAtOneRevision(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		for i := range 40 {
			b.store.SetLag(0)
			a, c := fmt.Sprintf("a%d", i), fmt.Sprintf("c%d", i)
			m := &schema.Acquire{Names: []string{a, c}, Client: "x", Owner: "o", Request: "r"}
			token := b.lock(&schema.Acquire{Name: a, Client: "x", Owner: "o"})
			b.deadly().send(m) // from now on a repeat changes nothing there
			b.settle()
			b.wantHolders(c)
			other := b.lock(&schema.Acquire{Name: c, Client: "y"})
			b.want(schema.StatusHeld, m)
			b.settle()
			b.store.SetLag(time.Hour)
			b.want(schema.StatusReleased, &schema.Force{Name: a, Token: token})
			b.unlock(c, other)
			if r := b.ask(m); r.Status == schema.StatusGranted {
				b.t.Fatalf("round %d: granted %+v, though %s had been forced", i, r.Locks, a)
			}
			b.wantHolders(c)
		}
	})
}

func TestWatchThatRepeatsItselfChangesNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.workers[0].stop(b.t)
		b.start(&echoStore{Store: b.store}, nil)
		for i := range 30 {
			name := fmt.Sprint(i % 3)
			token := b.lock(&schema.Acquire{Name: name, TTL: ms(60_000)})
			waiting := b.send(&schema.Acquire{Name: name, Client: "w", Wait: 60_000})
			b.settle()
			b.want(schema.StatusRenewed, &schema.Renew{Name: name, Token: token})
			b.unlock(name, token)
			b.unlock(name, waiting.want(schema.StatusGranted).Token)
		}
		b.pass(2 * time.Minute)
		b.wantHolders("0")
	})
}

// A set that was granted by a write in doubt hears of it also if another worker
// has built on that write.
func TestAnotherWorkerMayBuildOnASetInDoubt(t *testing.T) {
	inBubbleOf(t, 2, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "b", Client: "x"})
		waiting := b.send(&schema.Acquire{Names: []string{"a", "b"}, Client: "y", Wait: 60_000})
		b.settle()
		b.store.Fail(func(writes []bus.Write) bustest.Fault {
			if len(writes) == 2 {
				return bustest.Fault{Kind: bustest.LostAck}
			}
			return bustest.Fault{}
		})
		b.unlock("b", token)
		b.settle()
		for range 20 {
			b.send(&schema.Acquire{Name: "b", Client: "z", Request: "r", Wait: 60_000})
		}
		b.settle()
		b.store.Fail(nil)
		waiting.want(schema.StatusGranted)
		b.wantHolders("b", "y")
	})
}

// Who was granted by a write in doubt hears of it also if another worker has
// built on that write. Nobody knows then whether it was told before, so it is
// for the TTL alone to end a hold whose caller is gone.
func TestAnotherWorkerMayBuildOnAGrantInDoubt(t *testing.T) {
	for _, stays := range []bool{true, false} {
		inBubbleOf(t, 2, func(b *bubble) {
			token := b.lock(&schema.Acquire{Name: "a", Client: "x"})
			waiting := b.send(&schema.Acquire{Name: "a", Client: "y", Wait: 60_000, TTL: ms(10_000)})
			b.settle()
			if !stays {
				waiting.close()
			}
			b.script(bustest.Fault{Kind: bustest.LostAck})
			b.send(&schema.Release{Name: "a", Token: token})
			for range 20 {
				b.send(&schema.Acquire{Name: "a", Client: "z", Request: "r", Wait: 60_000})
			}
			b.pass(time.Second)
			b.wantHolders("a", "y")
			if stays {
				waiting.want(schema.StatusGranted)
				return
			}
			b.pass(11 * time.Second)
			b.wantHolders("a", "z")
		})
	}
}
