package lock

import (
	"reflect"
	"testing"

	"github.com/natslock/natslock/schema"
	"pgregory.net/rapid"
)

// FuzzDecode feeds any bytes to Decode. What it accepts must survive another
// round, and every command.
func FuzzDecode(f *testing.F) {
	f.Add(fullRecord().Append(nil))
	f.Add(openedBy("gw").Append(nil))
	f.Add(changedTerms().Append(nil))
	f.Add(Record{}.Append(nil))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := Decode(value, 77)
		if err != nil {
			return
		}
		again, err := Decode(r.Append(nil), 78)
		if err != nil || !reflect.DeepEqual(again, r) {
			t.Fatalf("%v\nonce  %+v\ntwice %+v", err, r, again)
		}
		before := string(r.Append(nil))
		for _, c := range everyCommand(r) {
			Step(r, c)
		}
		if string(r.Append(nil)) != before {
			t.Fatal("a step changed the record it was given")
		}
	})
}

// everyCommand is one of each kind, about what is in r.
func everyCommand(r Record) []Command {
	a, token, renewed := Attempt(1), Token(256), uint64(1)
	for _, h := range r.Holds {
		a, token, renewed = h.Attempts[0], h.Token, h.Renewed
	}
	acquire := Acquire{Attempt: 99, Owner: "o", Mode: schema.ModeShared, TTL: 10, Wait: 10, Meta: schema.Meta(`{"a":1}`)}
	return []Command{
		acquire, Release{Token: token}, Release{Token: token, Session: "p"}, Renew{Token: token}, Cancel{Attempt: a}, GiveUp{a},
		Leave{Session: "p"}, Expire{token, renewed}, Force{}, Undo{Token: token}, Undo{token, 1}, Retell{Attempt: a},
		Note{Set{Waiter: acquire.waiter(), Names: []string{"a", "b"}}}, Unnote{a}, Promote{}, Touch{},
		Terms{Session: "p", Epoch: 900, TTL: 20, Change: 9, N: 9},
	}
}

// FuzzSteps looks for histories that break an invariant.
func FuzzSteps(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { drawWorld(t) }))
}
