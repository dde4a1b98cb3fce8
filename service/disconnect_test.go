package service_test

import (
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// on opens or keeps a session alive on a connection, with a grace.
func (b *bubble) on(session string, cid uint64, grace int64) {
	b.t.Helper()
	b.want(schema.StatusOK, &schema.Keepalive{Session: session, Client: "c", Create: true, Server: "S", CID: &cid, Grace: &grace})
}

// closed tells every worker that a connection was closed.
func (b *bubble) closed(cid uint64) {
	for _, w := range b.workers {
		w.worker.ConnectionClosed("S", cid)
	}
}

// freeAfter waits for a lock to come free, and checks when it does and why.
func (b *bubble) freeAfter(name string, least, most time.Duration) {
	b.t.Helper()
	begin := time.Now()
	next := b.send(&schema.Acquire{Name: name, Client: "next", Wait: 3_600_000})
	next.want(schema.StatusGranted)
	if took := time.Since(begin); took < least || took > most {
		b.t.Errorf("%s came free after %s, want %s to %s", name, took, least, most)
	}
}

func TestALostConnectionEndsASessionAfterItsGrace(t *testing.T) {
	for _, workers := range []int{1, 2} {
		inBubbleOf(t, workers, func(b *bubble) {
			events := b.events()
			b.on("s", 7, 2000)
			b.present("c", "s", "a")
			b.on("other", 8, 2000)
			b.present("c", "other", "b")
			b.settle()
			b.closed(7)
			b.freeAfter("a", 2*time.Second, 3*time.Second)
			b.wantHolders("b", "c")
			list := events()
			if i := indexOf(list, "orphaned c"); i < 0 {
				t.Errorf("events %q", list)
			}
			b.want(schema.StatusSessionExpired, &schema.Keepalive{Session: "s", Client: "c"})
		})
	}
}

func indexOf(list []string, s string) int {
	for i := range list {
		if list[i] == s {
			return i
		}
	}
	return -1
}

func TestWithoutGraceALostConnectionEndsASessionAtOnce(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.on("s", 7, 0)
		b.present("c", "s", "a")
		b.closed(7)
		b.freeAfter("a", 0, 10*time.Millisecond)
	})
}

func TestTheDefaultGraceIsTheWorkers(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		b.start(b.store, &service.Config{ReconnectGrace: 4 * time.Second, SessionTTL: time.Minute})
		cid := uint64(7)
		r := b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Client: "c", Create: true, Server: "S", CID: &cid})
		if *r.TTL != 60_000 {
			t.Errorf("TTL %d", *r.TTL)
		}
		b.present("c", "s", "a")
		b.closed(7)
		b.freeAfter("a", 4*time.Second, 5*time.Second)
	})
}

func TestAReconnectWithinTheGraceLosesNothing(t *testing.T) {
	for name, again := range map[string]func(b *bubble){
		"with the new connection": func(b *bubble) { b.on("s", 8, 2000) },
		"without saying":          func(b *bubble) { b.as("c", &schema.Keepalive{Session: "s"}).want(schema.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubbleOf(t, 2, func(b *bubble) {
				b.on("s", 7, 2000)
				b.present("c", "s", "a")
				b.settle()
				b.closed(7)
				b.pass(1900 * time.Millisecond)
				again(b)
				b.settle()
				b.pass(9 * time.Second)
				b.wantHolders("a", "c")
				b.closed(7) // news that comes twice
				b.pass(500 * time.Millisecond)
				b.wantHolders("a", "c")
			})
		})
	}
}

// The news of the end overtakes a keepalive that was sent before it.
func TestAKeepaliveFromAClosedConnectionRevivesNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.on("s", 7, 1000)
		b.present("c", "s", "a")
		b.closed(7)
		b.pass(500 * time.Millisecond)
		b.on("s", 7, 1000)
		b.freeAfter("a", 400*time.Millisecond, time.Second)

		b.closed(9)
		b.on("t", 9, 1000)
		b.present("c", "t", "b")
		b.freeAfter("b", 0, 1500*time.Millisecond)
	})
}

// A reconnect that happens while nobody can hear of it, because the store is away,
// has its whole grace when somebody can.
func TestAGapDoesNotCountAgainstTheGrace(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.on("s", 7, 2000)
		b.present("c", "s", "a")
		b.on("dead", 8, 2000)
		b.present("c", "dead", "b")
		b.settle()
		b.closed(7)
		b.closed(8)
		b.pass(1500 * time.Millisecond)
		b.sessionsDown(true)
		b.pass(time.Minute)
		b.sessionsDown(false)
		b.pass(1500 * time.Millisecond)
		b.on("s", 9, 2000)
		b.freeAfter("b", 0, 3*time.Second)
		b.pass(5 * time.Second)
		b.wantHolders("a", "c")
	})
}

func TestClosedConnectionsAreForgottenOldestFirst(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for cid := uint64(100); cid < 100+1<<15; cid++ {
			b.closed(cid)
		}
		b.on("old", 100, 0)
		b.on("new", 100+1<<15-1, 0)
		b.pass(time.Second)
		b.want(schema.StatusOK, &schema.Keepalive{Session: "old", Client: "c"})
		b.want(schema.StatusSessionExpired, &schema.Keepalive{Session: "new", Client: "c"})
	})
}
