package service_test

import (
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
)

func TestReleaseByAnotherTokenTouchesNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", Client: "x"})
		for _, other := range []uint64{1, 255, token - 1, token + 1, schema.MaxToken} {
			r := b.want(schema.StatusNotHeld, &schema.Release{Name: "a", Token: other})
			if r.Name != "a" || r.Message == "" {
				t.Errorf("%+v", r)
			}
			b.want(schema.StatusNotHeld, &schema.Renew{Name: "a", Token: other})
			b.want(schema.StatusNotHeld, &schema.Force{Name: "a", Token: other})
		}
		b.want(schema.StatusNotHeld, &schema.Release{Name: "b", Token: token})
		b.wantHolders("a", "x")
		b.unlock("a", token)
		b.want(schema.StatusNotHeld, &schema.Release{Name: "a", Token: token})
	})
}

func TestReleaseByOwnerNeedsTheClient(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o"})
		b.want(schema.StatusNotHeld, &schema.Release{Name: "a", Owner: "o"})
		b.want(schema.StatusNotHeld, &schema.Release{Name: "a", Owner: "o", Client: "y"})
		b.want(schema.StatusNotHeld, &schema.Release{Name: "a", Owner: "p", Client: "x"})
		b.want(schema.StatusReleased, &schema.Release{Name: "a", Owner: "o", Client: "x"})
	})
}

func TestReleaseOfASessionThatHasNoPartKeepsTheHold(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		b.want(schema.StatusKept, &schema.Release{Name: "a", Token: token, Session: "s"})
		b.wantHolders("a", "")
	})
}

func TestReleaseOfSeveralReleasesEachOnItsOwn(t *testing.T) {
	inBubble(t, func(b *bubble) {
		all := b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"c", "a", "b"}, Client: "x", Owner: "o"})
		r := b.want(schema.StatusOK, &schema.Release{Locks: []schema.LockToken{
			{Name: "b", Token: all.Locks[2].Token}, {Name: "a", Token: all.Locks[0].Token}, {Name: "never", Token: 7},
		}})
		want := []schema.Status{schema.StatusReleased, schema.StatusNotHeld, schema.StatusNotHeld}
		for i, name := range []string{"b", "a", "never"} {
			if l := r.Locks[i]; l.Name != name || l.Status != want[i] {
				t.Errorf("lock %d: %+v", i, l)
			}
		}
		r = b.want(schema.StatusOK, &schema.Release{Names: []string{"a", "b", "c"}, Client: "x", Owner: "o"})
		want = []schema.Status{schema.StatusReleased, schema.StatusNotHeld, schema.StatusReleased}
		for i, name := range []string{"a", "b", "c"} {
			if l := r.Locks[i]; l.Name != name || l.Status != want[i] {
				t.Errorf("lock %d: %+v", i, l)
			}
			b.wantHolders(name)
		}
	})
}

func TestForceEndsEveryHold(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for _, client := range []string{"x", "y", "z"} {
			b.lock(&schema.Acquire{Name: "a", Client: client, Mode: schema.ModeShared})
		}
		waiting := b.send(&schema.Acquire{Name: "a", Client: "w", Wait: 60_000})
		b.settle()
		y := b.state("a").Holders[1].Token
		r := b.want(schema.StatusReleased, &schema.Force{Name: "a", Token: y, Reason: "stuck"})
		if len(r.Holders) != 1 || r.Holders[0].Client != "y" || r.Name != "a" {
			t.Errorf("%+v", r)
		}
		b.wantHolders("a", "x", "z")
		r = b.want(schema.StatusReleased, &schema.Force{Name: "a"})
		if len(r.Holders) != 2 || r.Holders[1].Client != "z" {
			t.Errorf("%+v", r)
		}
		waiting.want(schema.StatusGranted)
		b.want(schema.StatusNotHeld, &schema.Renew{Name: "a", Token: y})
		b.want(schema.StatusNotHeld, &schema.Force{Name: "b"})
	})
}

// Who sends the token 0 has forgotten to set it: that is not all holds, nor the owner's.
func TestTheToken0EndsNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o"})
		b.encoding = schema.JSON
		for _, test := range []struct{ verb, body, field string }{
			{"force", `{"name":"a","token":0}`, "token: "},
			{"renew", `{"name":"a","token":0}`, "token: "},
			{"release", `{"name":"a","client":"x","owner":"o","token":0}`, "token: "},
			{"release", `{"locks":[{"name":"a","token":0}]}`, "locks[0].token: "},
		} {
			r := b.decode(b.raw("lock.test."+test.verb, "", []byte(test.body)))
			if r.Status != schema.StatusInvalid || !strings.HasPrefix(r.Message, test.field) {
				t.Errorf("%s %s: %s %q", test.verb, test.body, r.Status, r.Message)
			}
		}
		b.wantHolders("a", "x")
		r := b.decode(b.raw("lock.test.force", "", []byte(`{"name":"a","token":null}`)))
		if r.Status != schema.StatusReleased {
			t.Errorf("without a token: %s", r.Status)
		}
	})
}

func TestRenewOfAHoldWithoutASessionKeepsATTL(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		b.want(schema.StatusInvalid, &schema.Renew{Name: "a", Token: token, TTL: ms(0)})
		if got := b.state("a").Holders[0].TTL; got != 30_000 {
			t.Errorf("TTL %d", got)
		}
	})
}

func TestAReleaseShowsWhoHeld(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", Meta: schema.Meta(`{"k":"v"}`)})
		r := b.want(schema.StatusNotHeld, &schema.Release{Name: "a", Client: "y", Owner: "o", Show: true})
		if len(r.Holders) != 1 || r.Holders[0].Client != "x" || r.Holders[0].Token != token {
			t.Errorf("%+v", r)
		}
		r = b.want(schema.StatusReleased, &schema.Release{Name: "a", Client: "x", Owner: "o", Show: true})
		if len(r.Holders) != 1 || string(r.Holders[0].Meta) != `{"k":"v"}` {
			t.Errorf("%+v", r)
		}
		if r = b.want(schema.StatusNotHeld, &schema.Release{Name: "a", Client: "x", Owner: "o"}); len(r.Holders) > 0 {
			t.Errorf("%+v", r)
		}
	})
}

// What is not sent again is not remembered: if it is all the same, it acquires anew.
func TestAReleaseForgetsWhatIsNotSentAgain(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for _, r := range []string{"first", "second"} {
			token := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "o", Request: r})
			b.want(schema.StatusReleased, &schema.Release{Name: "a", Client: "x", Token: token, Forget: "first"})
		}
		b.want(schema.StatusNotHeld, &schema.Acquire{Name: "a", Client: "x", Request: "second"})
		b.want(schema.StatusGranted, &schema.Acquire{Name: "a", Client: "x", Request: "first"})
	})
}
