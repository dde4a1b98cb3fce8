package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

// Nobody is told that a session lives longer than it does: not by a keepalive that
// was overtaken, nor by a caller who counts from the beginning again.
func TestALateKeepaliveTellsWhatIsLeft(t *testing.T) {
	inBubble(t, func(b *bubble) {
		keepalive := func(n uint64) int64 {
			return *b.as("c", &schema.Keepalive{Session: "s", Create: true, N: n}).want(schema.StatusOK).TTL
		}
		keepalive(5)
		begin := time.Now()
		b.present("c", "s", "a")
		b.pass(4 * time.Second)
		if ttl := keepalive(5); ttl != 10_000 {
			t.Errorf("a repeat is told %d", ttl)
		}
		for b.state("a").Held != nil && *b.state("a").Held {
			r := b.as("c", &schema.Keepalive{Session: "s", N: 4}).reply()
			if r.Status != schema.StatusOK {
				break
			}
			if end := time.Since(begin).Milliseconds() + *r.TTL; end > 10_000 {
				t.Fatalf("after %s there are %d left", time.Since(begin), *r.TTL)
			}
			b.pass(time.Second)
		}
		if took := time.Since(begin); took < 10*time.Second || took > 12*time.Second {
			t.Errorf("ended after %s", took)
		}
		b.wantHolders("a")
	})
}

// Messages say how a session has ended.
func TestMessagesSayWhatASessionHasComeTo(t *testing.T) {
	inBubble(t, func(b *bubble) {
		cid := uint64(7)
		for _, session := range []string{"left", "silent", "cut"} {
			m := &schema.Keepalive{Session: session, Create: true, N: 5}
			if session == "cut" {
				m.Server, m.CID, m.Grace = "S", &cid, ms(1000)
			}
			b.as("c", m).want(schema.StatusOK)
		}
		b.lock(&schema.Acquire{Name: "a", TTL: ms(60_000)})
		waits := b.as("c", &schema.Acquire{Name: "a", Session: "cut", Wait: schema.WaitForever})
		b.settle()
		b.as("c", &schema.Leave{Session: "left"}).want(schema.StatusOK)
		b.closed(7)
		if r := waits.want(schema.StatusSessionExpired); strings.Contains(r.Message, "silent") {
			t.Errorf("the waiter is told %q", r.Message)
		}
		b.pass(12 * time.Second)
		for session, want := range map[string]string{
			"left": "it has left", "silent": "it fell silent", "cut": "its connection was lost", "nobody": "not known",
		} {
			requests := map[string]schema.Request{
				"a keepalive": &schema.Keepalive{Session: session},
				"an acquire":  &schema.Acquire{Name: "b", Session: session},
			}
			if session != "nobody" {
				requests["a late one"] = &schema.Keepalive{Session: session, Create: true, N: 4}
			}
			for what, m := range requests {
				if r := b.as("c", m).reply(); r.Status == schema.StatusOK || !strings.Contains(r.Message, want) {
					t.Errorf("%s of %s is told %s, %q", what, session, r.Status, r.Message)
				}
			}
		}
	})
}
