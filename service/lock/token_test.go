package lock

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/natslock/natslock/schema"
)

func TestTokensAreSealedOnce(t *testing.T) {
	for _, c := range []struct {
		token    Token
		revision uint64
		want     Token
	}{
		{0, 1, 256},
		{255, 1, 511},
		{7, 1000, 256_007},
		{256, 1000, 256},
		{256_007, 2000, 256_007},
		{255, maxRevision, schema.MaxToken},
	} {
		if got := c.token.seal(c.revision); got != c.want || !got.Sealed() {
			t.Errorf("%d sealed by %d is %d, want %d", c.token, c.revision, got, c.want)
		}
	}
	if Token(255).Sealed() {
		t.Error("an index is sealed")
	}
}

// The first index of a write is 0, and 0 elsewhere means that there is no token.
func TestOnlyTokensOfHoldsAreSealed(t *testing.T) {
	holders := []schema.Holder{{Token: 0}, {Token: 512}}
	o := Outcome{
		Reply: &schema.Reply{Status: schema.StatusReleased, Holders: holders},
		Answers: []Answer{
			{Reply: schema.Reply{Status: schema.StatusGranted}},
			{Reply: schema.Reply{Status: schema.StatusAlready, Token: 1}},
			{Reply: schema.Reply{Status: schema.StatusTimeout}},
		},
		Events: []Event{
			{Type: schema.EventGranted}, {Type: schema.EventForced, Token: 300},
			{Type: schema.EventQueued}, {Type: schema.EventCanceled},
		},
	}
	o.Seal(10)
	want := Outcome{
		Reply: &schema.Reply{Status: schema.StatusReleased, Holders: []schema.Holder{{Token: 2560}, {Token: 512}}},
		Answers: []Answer{
			{Reply: schema.Reply{Status: schema.StatusGranted, Token: 2560}},
			{Reply: schema.Reply{Status: schema.StatusAlready, Token: 2561}},
			{Reply: schema.Reply{Status: schema.StatusTimeout}},
		},
		Events: []Event{
			{Type: schema.EventGranted, Token: 2560}, {Type: schema.EventForced, Token: 300},
			{Type: schema.EventQueued}, {Type: schema.EventCanceled},
		},
	}
	if diff := cmp.Diff(want, o); diff != "" {
		t.Error(diff)
	}
}

// A caller may guess the index of a grant that is being written. It names nothing.
func TestIndexesNameNoHold(t *testing.T) {
	r, _ := Step(Record{}, Acquire{Attempt: 1, Owner: "a", TTL: 10})
	r, _ = Step(r, Acquire{Attempt: 2, Owner: "b", TTL: 10, Wait: 10})
	r, _ = Step(r, Release{Owner: "a"})
	if r.Holds[0].Token != 1 {
		t.Fatalf("token %d", r.Holds[0].Token)
	}
	for _, c := range []Command{Release{Token: 1}, Renew{Token: 1}, Force{Token: 1}, Expire{Token: 1}} {
		if _, o := Step(r, c); o.Changed || o.Reply != nil && o.Reply.Status != schema.StatusNotHeld {
			t.Errorf("%T by an index: %+v", c, o)
		}
	}
	if _, ok := r.HoldByToken(1); ok {
		t.Error("a hold is found by an index")
	}
}

// Expire names the renewal that was timed. What was renewed in this write has
// not been timed by anybody.
func TestNothingExpiresInTheWriteThatRenewsIt(t *testing.T) {
	r, _ := Step(Record{}, Acquire{Attempt: 1, Owner: "a", TTL: 10})
	r = r.Seal(5)
	f := NewFold(r)
	f.Apply(Renew{Token: 5 * 256})
	for _, renewed := range []uint64{0, 5} {
		if o := f.Apply(Expire{5 * 256, renewed}); o.Changed {
			t.Errorf("expired by renewal %d", renewed)
		}
	}
}
