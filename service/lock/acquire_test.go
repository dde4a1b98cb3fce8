package lock

import (
	"reflect"
	"testing"

	"github.com/natslock/natslock/schema"
)

// What means the same is stored as the same, so that a record is read as it was
// written.
func TestAcquiresAreStoredInOneWay(t *testing.T) {
	odd := Acquire{Attempt: 1, Owner: "a", Size: 5, TTL: 10, Wait: 10, Meta: schema.Meta{}, Session: Session{Epoch: 3}}
	plain := Acquire{Attempt: 1, Owner: "a", Mode: schema.ModeExclusive, TTL: 10, Wait: 10}
	taken, _ := Step(Record{}, Acquire{Attempt: 2, Owner: "b", TTL: 10})
	for name, r := range map[string]Record{"granted": {}, "queued": taken} {
		got, _ := Step(r, odd)
		want, _ := Step(r, plain)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v\n%+v", name, got, want)
		}
	}
	noted, _ := Step(Record{}, Note{Set{Waiter: Waiter{Attempt: 1, Meta: schema.Meta{}, Size: 5}, Names: []string{"a", "b"}}})
	read, err := Decode(noted.Append(nil), 9)
	if err != nil || !reflect.DeepEqual(read, noted.Seal(9)) {
		t.Errorf("noted: %v\n%+v\n%+v", err, read, noted)
	}
}
