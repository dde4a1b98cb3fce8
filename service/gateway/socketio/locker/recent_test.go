package locker

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
)

// taken is a record whose parts are those of a request.
func taken(request []byte, resource, details int) record {
	return record{id: "x", resource: request[:resource], details: object{{"d", request[resource : resource+details]}}}
}

func TestRecentLocksAreKeptWithoutTheirRequests(t *testing.T) {
	var r recents
	request := json.RawMessage(strings.Repeat("1", 64<<10))
	r.keep(1, taken(request, 1, 1))
	if _, ok := r.find(1); ok {
		t.Error("kept, and nobody watches")
	}
	over := r.watch()
	r.keep(2, taken(request, 10, schema.MaxMeta-11))
	r.keep(3, taken(request, 10, schema.MaxMeta-10))
	if _, ok := r.find(3); ok {
		t.Error("kept, and larger than any meta")
	}
	clear(request)
	got, ok := r.find(2)
	if !ok || string(got.resource) != strings.Repeat("1", 10) || string(got.details.get("d")) != strings.Repeat("1", schema.MaxMeta-11) {
		t.Errorf("%v, %.20q", ok, got.details.text())
	}
	for token := range uint64(2 * maxRecents) {
		r.keep(10+token, taken(request, 1, 1))
	}
	known := 0
	for token := range uint64(2*maxRecents + 10) {
		if _, ok := r.find(token); ok {
			known++
		}
	}
	if _, ok := r.find(2); ok || known != maxRecents {
		t.Errorf("%d are kept", known)
	}
	over()
}

func TestNothingIsKeptAfterTheLastWhoWatched(t *testing.T) {
	var r recents
	first, last := r.watch(), r.watch()
	r.keep(1, record{id: "x"})
	first()
	if _, ok := r.find(1); !ok {
		t.Error("not kept, and somebody watches")
	}
	last()
	if r.records != nil {
		t.Error("they are kept")
	}
	again := r.watch()
	defer again()
	if _, ok := r.find(1); ok {
		t.Error("known again")
	}
}
