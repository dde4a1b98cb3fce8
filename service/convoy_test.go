package service_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/bus/bustest"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// countBeats counts the writes of sessions from now on.
func (b *bubble) countBeats() (n func() int) {
	writes := make(chan struct{}, 1000)
	b.sessions.Fail(func([]bus.Write) bustest.Fault {
		writes <- struct{}{}
		return bustest.Fault{}
	})
	return func() int { return len(writes) }
}

// answeredAfter waits for an answer, and checks its status and when it comes.
func (p *pending) answeredAfter(want time.Duration, status schema.Status) {
	p.caller.t.Helper()
	begin := time.Now()
	p.want(status)
	if took := time.Since(begin); took != want {
		p.caller.t.Errorf("answered %s after %s, want %s", status, took, want)
	}
}

func TestKeepalivesGoTogether(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const n = 20
		var epochs []uint64
		for i := range n {
			epochs = append(epochs, b.open("c", fmt.Sprint(i)))
		}
		b.settle()
		stored := b.countBeats()
		all := b.listen()
		for i := range n {
			all.send(&schema.Keepalive{Session: fmt.Sprint(i), Client: "c", Create: i%2 == 0, TTL: ms(10_000)})
			b.settle()
		}
		b.pass(service.ConvoyWait - 1)
		if stored() != 0 {
			t.Errorf("%d have gone already", stored())
		}
		b.pass(1)
		if stored() != n {
			t.Errorf("%d writes, want %d", stored(), n)
		}
		for i := range n {
			begin := time.Now()
			if r := all.want(schema.StatusOK); r.Epoch != epochs[i] || time.Since(begin) > 0 {
				t.Errorf("%d: epoch %d of %d, after %s", i, r.Epoch, epochs[i], time.Since(begin))
			}
		}
		b.pass(time.Second)
		b.as("c", &schema.Keepalive{Session: "0"}).answeredAfter(service.ConvoyWait, schema.StatusOK)
	})
}

func TestManyKeepalivesWaitForNobody(t *testing.T) {
	inBubble(t, func(b *bubble) {
		const n = service.ConvoyMost // of one session and another, in turns: whose they are does not matter
		b.open("c", "s")
		b.open("c", "t")
		b.settle()
		all := b.listen()
		for i := range n {
			all.send(&schema.Keepalive{Session: []string{"s", "t"}[i%2], Client: "c"})
		}
		for range n {
			all.answeredAfter(0, schema.StatusOK)
		}
		b.settle()
		b.as("c", &schema.Keepalive{Session: "s"}).answeredAfter(service.ConvoyWait, schema.StatusOK)
	})
}

// What is more than a sign of life, or comes late, is decided at once.
func TestSomeKeepalivesDoNotWait(t *testing.T) {
	cid, other := uint64(7), uint64(8)
	for name, test := range map[string]struct {
		before  func(*bubble)
		message schema.Keepalive
		after   time.Duration
		status  schema.Status
	}{
		"a sign of life":         {nil, schema.Keepalive{}, service.ConvoyWait, schema.StatusOK},
		"from its connection":    {nil, schema.Keepalive{Server: "S", CID: &cid}, service.ConvoyWait, schema.StatusOK},
		"of another opening":     {nil, schema.Keepalive{Epoch: 1 << 40}, service.ConvoyWait, schema.StatusSessionExpired},
		"a late copy":            {nil, schema.Keepalive{N: 1}, service.ConvoyWait, schema.StatusOK},
		"with another TTL":       {nil, schema.Keepalive{TTL: ms(20_000)}, 0, schema.StatusOK},
		"with another grace":     {nil, schema.Keepalive{Grace: ms(1)}, 0, schema.StatusOK},
		"from another":           {nil, schema.Keepalive{Server: "S", CID: &other}, 0, schema.StatusOK},
		"when it was cut":        {func(b *bubble) { b.closed(7) }, schema.Keepalive{}, 0, schema.StatusOK},
		"with a tenth left":      {func(b *bubble) { b.pass(9 * time.Second) }, schema.Keepalive{}, service.ConvoyWait, schema.StatusOK},
		"with less than a tenth": {func(b *bubble) { b.pass(9*time.Second + time.Millisecond) }, schema.Keepalive{}, 0, schema.StatusOK},
		"when it has ended":      {func(b *bubble) { b.pass(11 * time.Second) }, schema.Keepalive{}, 0, schema.StatusSessionExpired},
		"that opens":             {func(b *bubble) { b.pass(11 * time.Second) }, schema.Keepalive{Create: true, N: 3}, 0, schema.StatusOK},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(b *bubble) {
				b.want(schema.StatusOK, &schema.Keepalive{
					Session: "s", Client: "c", Create: true, N: 2, Server: "S", CID: &cid, TTL: ms(10_000), Grace: ms(2_000),
				})
				b.settle() // until its opening has been told
				if test.before != nil {
					test.before(b)
				}
				test.message.Session, test.message.Client = "s", "c"
				b.send(&test.message).answeredAfter(test.after, test.status)
			})
		})
	}
}

// Each of those that wait has its own answer.
func TestWhoWaitsTogetherIsAnsweredAlone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.open("d", "t")
		b.settle()
		ok := b.as("c", &schema.Keepalive{Session: "s"})
		denied := b.as("c", &schema.Keepalive{Session: "t"})
		expired := b.as("c", &schema.Keepalive{Session: "s", Epoch: 1 << 40})
		more := b.as("d", &schema.Keepalive{Session: "t"})
		b.pass(service.ConvoyWait)
		ok.answeredAfter(0, schema.StatusOK)
		denied.answeredAfter(0, schema.StatusDenied)
		expired.answeredAfter(0, schema.StatusSessionExpired)
		more.answeredAfter(0, schema.StatusOK)
	})
}

// Whatever else is asked of a session takes along what waits for it.
func TestALeaveDoesNotWaitForAKeepalive(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.settle()
		kept := b.as("c", &schema.Keepalive{Session: "s"})
		b.settle()
		b.as("c", &schema.Leave{Session: "s"}).answeredAfter(0, schema.StatusOK)
		kept.answeredAfter(0, schema.StatusOK)
		b.pass(service.ConvoyWait)
		b.as("c", &schema.Keepalive{Session: "s"}).answeredAfter(0, schema.StatusSessionExpired)
	})
}

// A session that is kept alive at the last moment lives, though its keepalive waits.
func TestWhoWaitsIsNotCutOff(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.on("s", 7, 0)
		b.present("c", "s", "a")
		b.settle()
		b.as("c", &schema.Keepalive{Session: "s"})
		b.settle()
		b.closed(7)
		b.pass(time.Second)
		b.wantHolders("a", "c")
	})
}

func TestASessionQueuesSoManyRequests(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.settle()
		b.sessions.Fail(func([]bus.Write) bustest.Fault { return bustest.Fault{Delay: time.Second} })
		all := b.listen()
		const together, queued, more = service.ConvoyMost, 256, 30
		for range together + queued + more {
			all.send(&schema.Keepalive{Session: "s", Client: "c"})
			b.settle()
		}
		count := map[schema.Status]int{}
		for range together + queued + more {
			count[all.reply().Status]++
		}
		if count[schema.StatusOK] != together+queued || count[schema.StatusLimit] != more {
			t.Errorf("%v", count)
		}
		b.sessions.Fail(nil)
	})
}

func TestAWorkerThatStopsAnswersWhoWaits(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.open("c", "s")
		b.settle()
		kept := b.as("c", &schema.Keepalive{Session: "s"})
		b.settle()
		if took := b.workers[0].stop(t); took > service.ConvoyWait {
			t.Errorf("it took %s", took)
		}
		kept.answeredAfter(0, schema.StatusOK)
	})
}
