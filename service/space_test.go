package service_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// meta is as much of it as an acquire can have.
var meta = schema.Meta(`{"m":"` + strings.Repeat("x", 4000) + `"}`)

// inSmall runs a test with a worker whose store may take so many bytes.
func inSmall(t *testing.T, most int64, test func(b *bubble)) {
	t.Helper()
	inBubbleOf(t, 0, func(b *bubble) {
		b.start(b.store, &service.Config{MaxStore: most})
		test(b)
	})
}

// fillUp takes locks until there is no room for one more, and returns their tokens.
func (b *bubble) fillUp(m schema.Acquire) (names []string, tokens []uint64) {
	b.t.Helper()
	for i := range 10_000 {
		m.Name = fmt.Sprint("full", i)
		switch r := b.ask(&m); r.Status {
		case schema.StatusGranted:
			names, tokens = append(names, m.Name), append(tokens, r.Token)
		case schema.StatusLimit:
			if !strings.Contains(r.Message, "release or force") {
				b.t.Fatalf("message %q", r.Message)
			}
			return names, tokens
		default:
			b.t.Fatalf("%s (%s)", r.Status, r.Message)
		}
	}
	b.t.Fatal("it is never full")
	return nil, nil
}

func TestAFullStoreLetsEverythingEnd(t *testing.T) {
	inSmall(t, 200_000, func(b *bubble) {
		b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Create: true, Client: "x"})
		b.lock(&schema.Acquire{Name: "short", TTL: ms(60_000), Meta: meta})
		b.lock(&schema.Acquire{Name: "present", Session: "s", Client: "x"})
		first := b.lock(&schema.Acquire{Name: "waited for", Client: "x", TTL: day()})
		waiting := b.send(&schema.Acquire{Name: "waited for", Client: "w", TTL: day(), Wait: 3_600_000, Meta: meta})
		canceled := b.send(&schema.Acquire{Name: "waited for", Client: "c", Request: "c", Wait: 3_600_000, Meta: meta})
		b.pass(10 * time.Millisecond)
		names, tokens := b.fillUp(schema.Acquire{Client: "x", TTL: day(), Meta: meta})

		// What would make it larger is refused, and everything else is not.
		b.want(schema.StatusLimit, &schema.Acquire{Names: []string{"a", "b"}})
		b.want(schema.StatusLimit, &schema.Acquire{Name: "waited for", Wait: 1000})
		b.want(schema.StatusLimit, &schema.Cancel{Name: "never heard of", Client: "x", Request: "r"})
		b.want(schema.StatusHeld, &schema.Acquire{Name: "waited for"})
		b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Client: "x"})
		b.want(schema.StatusRenewed, &schema.Renew{Name: names[0], Token: tokens[0]})
		b.want(schema.StatusCanceled, &schema.Cancel{Name: "waited for", Client: "c", Request: "c"})
		canceled.want(schema.StatusCanceled)
		b.unlock("waited for", first)
		waiting.want(schema.StatusGranted)
		b.want(schema.StatusOK, &schema.Leave{Session: "s", Client: "x"})
		b.wantHolders("present")
		b.pass(2 * time.Minute)
		b.wantHolders("short")
		b.want(schema.StatusReleased, &schema.Force{Name: names[1], Token: tokens[1]})
		for i := 2; i < len(names); i++ {
			b.unlock(names[i], tokens[i])
		}
		b.pass(15 * time.Second)
		b.lock(&schema.Acquire{Name: "once more", Meta: meta})
	})
}

// A burst between two looks at the store is bounded as well.
func TestABurstDoesNotOverfillTheStore(t *testing.T) {
	const most = 200_000
	inSmall(t, most, func(b *bubble) {
		all := b.listen()
		for i := range 50 {
			names := make([]string, 8)
			for j := range names {
				names[j] = fmt.Sprint(i, "-", j)
			}
			all.send(&schema.Acquire{Names: names, TTL: day(), Meta: meta})
		}
		granted := 0
		for range 50 {
			if all.reply().Status == schema.StatusGranted {
				granted++
			}
		}
		if n := b.store.Bytes(); n > most || granted == 0 {
			t.Errorf("%d bytes of %d, %d granted", n, most, granted)
		}
	})
}

// Nor does one that several workers share.
func TestABurstOverTwoWorkersDoesNotOverfillTheStore(t *testing.T) {
	const most = 400_000
	inBubbleOf(t, 0, func(b *bubble) {
		for range 2 {
			b.start(b.store, &service.Config{MaxStore: most})
		}
		for i := range 300 { // one after the other: what is on its way at once, the reserve is for
			b.ask(&schema.Acquire{Name: fmt.Sprint(i), TTL: day(), Meta: meta})
			b.settle()
		}
		if n := b.store.Bytes(); n > most || n < most/2 {
			t.Errorf("%d bytes of %d", n, most)
		}
	})
}

// Attempts for several names that wait are granted when there is room for it.
func TestAnAttemptThatWaitsIsGrantedWhenThereIsRoom(t *testing.T) {
	inSmall(t, 200_000, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "b", TTL: day()})
		waiting := b.send(&schema.Acquire{Names: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}, TTL: day(), Meta: meta, Wait: 3_600_000})
		b.settle()
		names, tokens := b.fillUp(schema.Acquire{Client: "x", TTL: day(), Meta: meta})
		b.unlock("b", token)
		waiting.silent(time.Minute)
		for i := range names {
			b.unlock(names[i], tokens[i])
		}
		waiting.want(schema.StatusGranted)
	})
}

func TestARepeatIsAnsweredWhileTheStoreIsFull(t *testing.T) {
	inSmall(t, 100_000, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r", TTL: day()}
		token := b.lock(m)
		b.fillUp(schema.Acquire{Client: "x", TTL: day(), Meta: meta})
		if r := b.want(schema.StatusGranted, m); r.Token != token {
			t.Errorf("the token %d became %d", token, r.Token)
		}
	})
}

// Records of free locks alone fill it, too: these are dropped, and sooner than usual.
func TestAStoreFullOfFreeLocksComesFree(t *testing.T) {
	inSmall(t, 100_000, func(b *bubble) {
		for i := 0; ; i++ {
			m := &schema.Acquire{Name: fmt.Sprint("free", i), TTL: day()}
			r := b.ask(m)
			if r.Status == schema.StatusLimit {
				break
			}
			b.unlock(m.Name, r.Token)
		}
		begin := time.Now()
		for b.ask(&schema.Acquire{Name: "new"}).Status == schema.StatusLimit {
			b.pass(time.Minute)
		}
		if took := time.Since(begin); took > 20*time.Minute {
			t.Errorf("it took %s", took)
		}
	})
}

// A store of which no limit is known says so itself.
func TestAStoreThatTakesNothingMakesItselfKnown(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		w := b.start(b.store, nil)
		renewed := b.lock(&schema.Acquire{Name: "renewed", TTL: ms(30_000)})
		b.store.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Kind: bustest.Full} })
		refused := b.send(&schema.Acquire{Name: "a"})
		refused.want(schema.StatusLimit)
		if nearly, quite := w.worker.Full(); !nearly || !quite {
			t.Errorf("nearly full %t, quite full %t", nearly, quite)
		}
		// Nobody can renew, so nothing ends.
		for range 30 {
			b.want(schema.StatusUnavailable, &schema.Renew{Name: "renewed", Token: renewed})
		}
		b.wantHolders("renewed", "")
		b.store.Fail(nil)
		b.want(schema.StatusRenewed, &schema.Renew{Name: "renewed", Token: renewed})
		b.pass(time.Minute)
		if nearly, quite := w.worker.Full(); nearly || quite {
			t.Errorf("nearly full %t, quite full %t, when it is not any more", nearly, quite)
		}
		b.lock(&schema.Acquire{Name: "a"})
	})
}

func TestTheLimitOfAnAccountLeavesAReserve(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.store.SetLimit(200_000)
		b.pass(15 * time.Second)
		names, tokens := b.fillUp(schema.Acquire{Client: "x", TTL: day(), Meta: meta})
		if n := b.store.Bytes(); n > 180_000 {
			t.Errorf("%d bytes", n)
		}
		for i := range names {
			b.unlock(names[i], tokens[i])
		}
		b.pass(15 * time.Second)
		b.lock(&schema.Acquire{Name: "a", Meta: meta})
	})
}

func TestADiskThatFillsUpIsNoticed(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		room := make(chan int64, 1)
		room <- 1 << 20
		b.start(b.store, &service.Config{DiskRoom: func() int64 { n := <-room; room <- n; return n }})
		set := func(n int64) { <-room; room <- n; b.pass(10 * time.Second) }
		token := b.lock(&schema.Acquire{Name: "a", TTL: day()})
		set(0)
		b.want(schema.StatusLimit, &schema.Acquire{Name: "b"})
		b.unlock("a", token)
		set(1 << 20)
		b.lock(&schema.Acquire{Name: "b"})
	})
}

// A store of sessions that is nearly full opens none, and ends none.
func TestSessionsLiveOnWhileTheirStoreIsFull(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Create: true, Client: "x"})
		b.lock(&schema.Acquire{Name: "a", Session: "s", Client: "x"})
		b.sessions.SetLimit(2 * b.sessions.Bytes())
		b.pass(7 * time.Second)
		b.want(schema.StatusLimit, &schema.Keepalive{Session: "t", Create: true, Client: "x"})
		for range 10 {
			b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Client: "x"})
			b.pass(7 * time.Second)
		}
		b.sessions.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Kind: bustest.Full} })
		for range 30 {
			b.want(schema.StatusUnavailable, &schema.Keepalive{Session: "s", Client: "x"})
		}
		b.sessions.Fail(nil)
		b.want(schema.StatusOK, &schema.Keepalive{Session: "s", Client: "x"})
		b.wantHolders("a", "x")
	})
}

func TestAFullStoreIsLoggedOnce(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		var log strings.Builder
		w := b.start(b.store, &service.Config{MaxStore: 50_000, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		names, tokens := b.fillUp(schema.Acquire{Client: "x", TTL: day(), Meta: meta})
		for range 20 {
			b.want(schema.StatusLimit, &schema.Acquire{Name: "a", Meta: meta})
			b.pass(time.Second)
		}
		for i := range names {
			b.unlock(names[i], tokens[i])
		}
		b.pass(15 * time.Second)
		w.stop(t)
		if text := log.String(); strings.Count(text, "nearly full") != 1 || strings.Count(text, "room again") != 1 {
			t.Errorf("log:\n%s", text)
		}
	})
}
