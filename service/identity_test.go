package service_test

import (
	"testing"

	"github.com/natslock/natslock/schema"
)

// as sends m on the subject that names a client.
func (c *caller) as(client string, m schema.Message) *pending {
	c.t.Helper()
	p := c.listen()
	p.sendTo(schema.RequestSubject(realm, verbOf(m), client), m)
	return p
}

func TestTheSubjectSaysWhoIsCalling(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.as("shop.example", &schema.Acquire{Name: "a"}).want(schema.StatusGranted)
		b.as("shop.example", &schema.Acquire{Name: "b", Client: "shop.example"}).want(schema.StatusGranted)
		b.wantHolders("a", "shop.example")
		b.wantHolders("b", "shop.example")
	})
}

func TestAnotherClientThanTheSubjectsIsDenied(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", Request: "r"})
		for _, m := range []schema.Message{
			&schema.Acquire{Name: "b", Client: "x"},
			&schema.Release{Name: "a", Client: "x", Owner: "o"},
			&schema.Renew{Name: "a", Client: "x", Token: 256},
			&schema.Cancel{Name: "a", Client: "x", Request: "r"},
			&schema.Inspect{Name: "a", Client: "x"},
			&schema.List{Client: "x"},
			&schema.Force{Name: "a", Client: "x"},
		} {
			if r := b.as("y", m).want(schema.StatusDenied); r.Message == "" {
				t.Errorf("%s: no message", verbOf(m))
			}
		}
		b.wantHolders("a", "x")
		b.wantHolders("b")
	})
}

func TestANamedCallerEndsOnlyItsOwnHolds(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.as("x", &schema.Acquire{Name: "a", Owner: "o", Request: "r"}).want(schema.StatusGranted).Token
		b.as("y", &schema.Release{Name: "a", Token: token}).want(schema.StatusDenied)
		b.as("y", &schema.Renew{Name: "a", Token: token}).want(schema.StatusDenied)
		b.as("y", &schema.Release{Name: "a", Owner: "o"}).want(schema.StatusNotHeld)
		b.as("y", &schema.Cancel{Name: "a", Request: "r"}).want(schema.StatusNotHeld)
		if r := b.as("y", &schema.Release{Locks: []schema.LockToken{{Name: "a", Token: token}}}).want(schema.StatusOK); r.Locks[0].Status != schema.StatusDenied {
			t.Errorf("%+v", r.Locks)
		}
		b.as("y", &schema.Acquire{Name: "a", Owner: "o"}).want(schema.StatusHeld)
		b.as("x", &schema.Renew{Name: "a", Token: token}).want(schema.StatusRenewed)
		b.as("x", &schema.Release{Name: "a", Token: token}).want(schema.StatusReleased)
	})
}

// A caller on the plain subject has the token, and that is enough.
func TestAPlainCallerNeedsTheTokenAlone(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.as("x", &schema.Acquire{Name: "a"}).want(schema.StatusGranted).Token
		b.want(schema.StatusRenewed, &schema.Renew{Name: "a", Token: token, Client: "y"})
		b.want(schema.StatusReleased, &schema.Release{Name: "a", Token: token})
	})
}

func TestARealmIsAWorldOfItsOwn(t *testing.T) {
	inBubble(t, func(b *bubble) {
		other := func(m schema.Message) *schema.Reply {
			p := b.listen()
			p.sendTo(schema.RequestSubject("other.realm", verbOf(m), ""), m)
			return p.reply()
		}
		m := &schema.Acquire{Name: "a", Client: "x", Owner: "o", Request: "r"}
		token := b.lock(m)
		if r := other(m); r.Status != schema.StatusGranted || r.Token == token {
			t.Errorf("%+v", r)
		}
		if r := other(&schema.Release{Name: "a", Token: token}); r.Status != schema.StatusNotHeld {
			t.Errorf("%+v", r)
		}
		if r := other(&schema.List{}); len(r.Locks) != 1 {
			t.Errorf("%+v", r)
		}
		b.want(schema.StatusOK, &schema.List{Holder: "x"})
	})
}
