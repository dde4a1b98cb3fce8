package service_test

import (
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

// A presence belongs to whoever opened it, also after a restart, although it is
// rebuilt from locks which belong to others: those for whom a gateway spoke.
func TestAPresenceKeepsItsClientOverARestart(t *testing.T) {
	inBubble(t, func(b *bubble) {
		epoch := b.want(schema.StatusOK, &schema.Keepalive{Session: "p", Client: "gateway", Create: true}).Epoch
		b.want(schema.StatusGranted, &schema.Acquire{Name: "a", Client: "alice", Session: "p/1"})
		b.want(schema.StatusGranted, &schema.Acquire{Name: "b", Client: "bob", Session: "p/2"})
		b.as("gateway", &schema.Acquire{Name: "c", Session: "p"}).want(schema.StatusGranted)
		b.send(&schema.Acquire{Name: "b", Client: "carol", Session: "p/3", Wait: schema.WaitForever})
		b.send(&schema.Acquire{Names: []string{"c", "d"}, Client: "dave", Session: "p/4", Wait: schema.WaitForever})
		b.want(schema.StatusOK, &schema.Keepalive{Session: "plain", Create: true})
		b.want(schema.StatusGranted, &schema.Acquire{Name: "e", Client: "alice", Session: "plain/1"})
		b.settle()
		b.workers[0].stop(b.t)
		b.loseSessions()
		b.pass(time.Hour)
		b.start(b.store, nil)

		for _, client := range []string{"alice", "bob", "carol", "dave", "mallory"} {
			for _, session := range []string{"p", "plain"} {
				b.as(client, &schema.Keepalive{Session: session, Create: true}).want(schema.StatusDenied)
				b.as(client, &schema.Leave{Session: session}).want(schema.StatusDenied)
				b.as(client, &schema.Leave{Session: session + "/1", Epoch: epoch}).want(schema.StatusDenied)
				b.as(client, &schema.Acquire{Name: "f", Session: session + "/5"}).want(schema.StatusDenied)
			}
		}
		if r := b.as("gateway", &schema.Keepalive{Session: "p", Epoch: epoch}).want(schema.StatusOK); r.Epoch != epoch {
			t.Errorf("epoch %d, want %d", r.Epoch, epoch)
		}
		if r := b.want(schema.StatusOK, &schema.List{Sessions: true}); len(r.Sessions) != 2 || r.Sessions[0].Client != "gateway" || r.Sessions[1].Client != "" {
			t.Errorf("%+v", r.Sessions)
		}
		b.wantHolders("a", "alice")
		b.settle()
		if r := b.as("gateway", &schema.Leave{Session: "p/1", Epoch: epoch}).want(schema.StatusOK); *r.Count != 1 {
			t.Errorf("%d holds ended", *r.Count)
		}
		b.wantHolders("a")
		b.wantHolders("b", "bob")
		if r := b.as("gateway", &schema.Leave{Session: "p", Epoch: epoch}).want(schema.StatusOK); *r.Count != 2 {
			t.Errorf("%d holds ended", *r.Count)
		}
		b.wantWaiters("b")
	})
}
