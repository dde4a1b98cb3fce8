package schema_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
)

func TestUnknownNamesWhatIsPassedOver(t *testing.T) {
	for body, want := range map[string][]string{
		``:                        nil,
		`{}`:                      nil,
		`{"name":"x","ttl_ms":5}`: nil,
		`{"ttl":5,"name":"x"}`:    {"ttl"},
		` { "name" : "x" , "Wait_ms" : [ 1 , { "a" : 2 } ] , "meta" : {"b":3} , "zw\u00f6lf" : null } `: {"Wait_ms", "zwölf"},
		`{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1,"i":1}`:                                       {"a", "b", "c", "d", "e", "f", "g", "h"},
		`{"` + strings.Repeat("x", 65) + `":1}`:                                                         {strings.Repeat("x", 64)},
		`{"broken":1`:                                                                                   nil,
		`[]`:                                                                                            nil,
	} {
		if got := schema.Unknown(schema.JSON, []byte(body), new(schema.Acquire)); !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
	if got := schema.Unknown(schema.MessagePack, []byte("\x82\xa4name\xa1x\xa3ttl\x05"), new(schema.Acquire)); !slices.Equal(got, []string{"ttl"}) {
		t.Errorf("MessagePack: %q", got)
	}
}

// What was decoded stays as it is.
func TestUnknownLeavesTheMessageAlone(t *testing.T) {
	for _, m := range []schema.Message{
		&schema.Acquire{Name: "x", Names: []string{"y"}, Client: "c", Owner: "o", Session: "s", Request: "r", Mode: schema.ModeShared, Size: 2, TTL: new(int64), Wait: 3, Meta: []byte(`{"a":1}`)},
		&schema.Release{Name: "x", Names: []string{"y"}, Locks: []schema.LockToken{{Name: "z", Token: 3}}, Client: "c", Owner: "o", Token: 7, Session: "s"},
		&schema.Renew{Name: "x", Client: "c", Token: 7, TTL: new(int64)},
		&schema.Inspect{Name: "x", Names: []string{"y"}, Client: "c"},
		&schema.List{Prefix: "p", Holder: "h", Session: "s", Limit: new(int64), Cursor: "c", Client: "d", Sessions: true},
		&schema.Force{Name: "x", Client: "c", Token: 7, Reason: "r"},
	} {
		before := string(schema.Append(nil, schema.JSON, m))
		if got := schema.Unknown(schema.JSON, []byte(before), m); got != nil {
			t.Errorf("%T: %q", m, got)
		}
		if after := string(schema.Append(nil, schema.JSON, m)); after != before {
			t.Errorf("%s, was %s", after, before)
		}
	}
}
