package lock

import (
	"encoding/hex"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
)

// openedBy is a record of a client's, with a hold and a waiter by sessions that
// somebody opened.
func openedBy(opener string) Record {
	own := Session{ID: "q", Client: "x", Epoch: 5, TTL: 10, Grace: 2}
	other := Session{ID: "p/1", Client: opener, Epoch: 7, TTL: 10, Grace: 2}
	was := Waiter{Attempt: 1, Client: "x", Owner: "a", Session: other, Mode: schema.ModeExclusive}
	return Record{
		Mode:    schema.ModeExclusive,
		Holds:   []Hold{{Client: "x", Owner: "a", Sessions: []Session{other, own}, Attempts: []Attempt{1}, Waited: &was}},
		Waiters: []Waiter{{Attempt: 2, Client: "x", Owner: "b", Session: other, Mode: schema.ModeExclusive}},
	}
}

// Stored records are read by later versions: these bytes must stay readable.
const openedGolden = "" +
	"010100000109017801610000000203702f31070a020267770171050a020178000001" +
	"01000000000000000000000001000198000000010002000000000000000178016203702f31070a020267770000"

func TestWhoOpenedASessionIsWritten(t *testing.T) {
	if got := hex.EncodeToString(openedBy("gw").Append(nil)); got != openedGolden {
		t.Errorf("got  %s\nwant %s", got, openedGolden)
	}
	for _, opener := range []string{"gw", "", "x", strings.Repeat("x", schema.MaxClient)} {
		r := openedBy(opener)
		value := r.Append(nil)
		if got, err := Decode(value, 9); err != nil || !reflect.DeepEqual(got, r.Seal(9)) {
			t.Errorf("opened by %q: %v\n%+v", opener, err, got)
		}
		if len(value) > r.weight() {
			t.Errorf("opened by %q: %d bytes, weight %d", opener, len(value), r.weight())
		}
	}
}

// There is one way to write who opened a session, and a bound.
func TestOpenersAreWrittenInOneWay(t *testing.T) {
	value := string(openedBy("gw").Append(nil))
	for name, damaged := range map[string]string{
		"too long":          string(openedBy(strings.Repeat("y", schema.MaxClient+1)).Append(nil)),
		"the hold's client": strings.Replace(value, "\x02gw", "\x01x", 1),
		"the waiter's":      value[:strings.LastIndex(value, "\x02gw")] + "\x01x" + value[strings.LastIndex(value, "\x02gw")+3:],
	} {
		if r, err := Decode([]byte(damaged), 9); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
}

// Invariant 14: what openers take counts.
func TestOpenersHaveTheirWeight(t *testing.T) {
	r := openedBy(strings.Repeat("y", schema.MaxClient))
	one := r.Holds[0].Sessions[0]
	for len(r.Holds[0].Sessions) < 100 {
		r.Holds[0].Sessions = append(r.Holds[0].Sessions, one)
	}
	if n := len(r.Append(nil)); n > r.weight() {
		t.Errorf("%d bytes, weight %d", n, r.weight())
	}
}
