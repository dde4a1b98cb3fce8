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
