package schema

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

func TestMetaHasOneForm(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                              ``,
		` { } `:                           ``,
		`{"b":1,"a":2}`:                   `{"a":2,"b":1}`,
		`{"a":1,"a":2}`:                   `{"a":2}`,
		`{"b":1,"a":{"d":1,"c":2,"d":3}}`: `{"a":{"c":2,"d":3},"b":1}`,
		`{"a":[ {"z":1,"y":[ ]} , 2 ]}`:   `{"a":[{"y":[],"z":1},2]}`,
		`{"aa":1,"a":2,"B":3,"é":4,"":5}`: `{"":5,"B":3,"a":2,"aa":1,"é":4}`,
		`{"\u0061":"\u0062\/\u00e9\u000a\u0001"}`:                                     `{"a":"b/é\n\u0001"}`,
		`{"a":1.0,"b":1e3,"c":-0,"d":0.10,"e":1E-7}`:                                  `{"a":1,"b":1000,"c":0,"d":0.1,"e":1e-07}`,
		`{"a":9223372036854775808,"b":-9223372036854775808,"c":18446744073709551615}`: `{"a":9223372036854775808,"b":-9223372036854775808,"c":18446744073709551615}`,
		`{"a":18446744073709551616,"b":-9223372036854775809,"c":1e22}`:                `{"a":18446744073709552000,"b":-9223372036854775808,"c":1e+22}`,
		`{"a":0.1000000000000000055511151231257827,"b":1e-400}`:                       `{"a":0.1,"b":0}`,
		`{"a":null,"b":true,"c":false}`:                                               `{"a":null,"b":true,"c":false}`,
	} {
		m, err := ParseMeta([]byte(text))
		if err != nil || string(m) != want {
			t.Errorf("%s: got %s, %v, want %s", text, m, err, want)
			continue
		}
		if settled([]byte(text)) && text != want {
			t.Errorf("%s seems to be settled", text)
		}
		if again, err := ParseMeta(m); len(m) > 0 && (err != nil || string(again) != want) {
			t.Errorf("%s becomes %s, %v", want, again, err)
		}
	}
}

func TestWhatIsNoMeta(t *testing.T) {
	for text, want := range map[string]string{
		``:                 "meta: broken JSON: ends early, want a value",
		`[]`:               "meta: want an object, got a list",
		`"a"`:              "meta: want an object, got a string",
		`null`:             "meta: want an object, got null",
		`{`:                "meta: broken JSON: ends early, want a key",
		`{} {}`:            "meta: 2 bytes after its end",
		"{\"a\":\"\xff\"}": "meta: not valid UTF-8",
		`{"a":"\udead"}`:   "meta: not valid Unicode: a lone surrogate",
		`{"a":1e400}`:      "meta: a number is too large, or none",
		nested(`{"a":`, "1", "}", maxMetaDepth+1): "meta: nested deeper than 32",
	} {
		if m, err := ParseMeta([]byte(text)); refusal(t, err) != want {
			t.Errorf("%s: got %s, %v, want %s", text, m, err, want)
		}
	}
}

func TestMergeGoesKeyByKey(t *testing.T) {
	for _, c := range []struct{ a, b, want string }{
		{``, ``, ``},
		{`{"a":1}`, ``, `{"a":1}`},
		{``, `{"a":1}`, `{"a":1}`},
		{`{"a":1}`, `{}`, `{"a":1}`},
		{`{}`, `{"a":1}`, `{"a":1}`},
		{`{"a":1,"b":2}`, `{"b":3,"c":4}`, `{"a":1,"b":3,"c":4}`},
		{`{"z":1}`, `{"a":1}`, `{"a":1,"z":1}`},
		{`{"a":{"x":1}}`, `{"a":{"y":2}}`, `{"a":{"y":2}}`},
		{`{"a":1}`, `{"a":null}`, `{"a":null}`},
	} {
		if got, err := Meta(c.a).Merge(Meta(c.b)); err != nil || string(got) != c.want {
			t.Errorf("%s and %s: got %s, %v, want %s", c.a, c.b, got, err, c.want)
		}
	}
}

func TestMergeTouchesNeitherSide(t *testing.T) {
	a, b := mustMeta(`{"a":1}`), mustMeta(`{"b":2}`)
	if _, err := a[:len(a):cap(a)].Merge(b); err != nil || string(a) != `{"a":1}` || string(b) != `{"b":2}` {
		t.Errorf("%v: %s %s", err, a, b)
	}
}

func TestMergeIsBounded(t *testing.T) {
	half := func(key string, n int) Meta { return mustMeta(`{"` + key + `":"` + long(n-len(`{"a":""}`)) + `"}`) }
	if m, err := half("a", 2048).Merge(half("b", 2049)); err != nil || len(m) != MaxMeta {
		t.Errorf("%d bytes, %v", len(m), err)
	}
	var refused *Error
	if _, err := half("a", 2048).Merge(half("b", 2050)); !errors.As(err, &refused) || refused.Status != StatusLimit || refused.Field != "meta" {
		t.Errorf("got %v", err)
	}
	if m, err := half("a", MaxMeta).Merge(half("a", MaxMeta)); err != nil || len(m) != MaxMeta {
		t.Errorf("%d bytes, %v", len(m), err)
	}
}

func TestMetaIsAMapInMessagePack(t *testing.T) {
	for _, text := range nastyMetas {
		want := mustMeta(text)
		body := Append(nil, MessagePack, &Acquire{Meta: want})
		var fields struct {
			Meta map[string]any `msgpack:"meta"`
		}
		if err := msgpack.Unmarshal(body, &fields); err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		// The library writes maps in no order and has its own choice of widths.
		packed, err := msgpack.Marshal(object{"meta": fields.Meta})
		if err != nil {
			t.Fatal(err)
		}
		var got Acquire
		if err := Decode(MessagePack, packed, &got); err != nil || string(got.Meta) != string(want) {
			t.Errorf("%s: got %s, %v", want, got.Meta, err)
		}
	}
}

func TestMetaOfManyKinds(t *testing.T) {
	body := pack(t, object{"meta": object{
		"i8": int8(-1), "u64": uint64(1<<64 - 1), "f32": float32(0.5), "f64": 1e300, "whole": 3.0, "nil": nil, "list": []any{true, object{"z": 1, "a": 2}},
	}})
	var got Acquire
	want := `{"f32":0.5,"f64":1e+300,"i8":-1,"list":[true,{"a":2,"z":1}],"nil":null,"u64":18446744073709551615,"whole":3}`
	if err := Decode(MessagePack, []byte(body), &got); err != nil || string(got.Meta) != want {
		t.Errorf("%v\n got %s\nwant %s", err, got.Meta, want)
	}
	if !json.Valid(got.Meta) || strings.ContainsAny(string(got.Meta), " \n") {
		t.Errorf("%s is no compact JSON", got.Meta)
	}
}

// What most locks have is seen at a glance to be in its form, and what is close to it is
// seen not to be.
func TestAMetaIsSettled(t *testing.T) {
	for text, want := range map[string]bool{
		`{"a":1}`: true,
		`{"":0,"a":{"b":[],"c":[1,-20,"x",true,false,null,{}]},"b":"a b","c":{}}`: true,
		`{"a":123456789012345678,"b":-123456789012345678}`:                        true,
		nested(`{"a":`, "1", "}", maxMetaDepth):                                   true,
		nested(`{"a":`, "1", "}", maxMetaDepth+1):                                 false,
		`{"a":` + nested("[", "1", "]", maxMetaDepth-1) + `}`:                     true,
		`{"a":` + nested("[", "1", "]", maxMetaDepth) + `}`:                       false,
		`{"a":"` + strings.Repeat("x", MaxMeta-len(`{"a":""}`)) + `"}`:            true,
		`{"a":"` + strings.Repeat("x", MaxMeta-len(`{"a":""}`)+1) + `"}`:          false,
		``: false, `{`: false, `{}`: false, `[1]`: false, `{"a":1} `: false, `{"a":1}{`: false,
		`{ "a":1}`: false, `{"a": 1}`: false, `{"a":1,}`: false, `{"a"}`: false, `{"a":}`: false, `{"a":1 }`: false,
		`{"b":1,"a":1}`: false, `{"a":1,"a":1}`: false, `{"ab":1,"a":1}`: false,
		`{"a":[1,]}`: false, `{"a":[}`: false, `{"a":[1}`: false, `{"a":tru}`: false, `{"a":"b}`: false,
		`{"a":-0}`: false, `{"a":01}`: false, `{"a":1.0}`: false, `{"a":1e3}`: false, `{"a":-}`: false, `{"a":+1}`: false,
		`{"a":1234567890123456789}`: false,
		`{"\u0061":1}`:              false, `{"a":"\n"}`: false, "{\"a\":\"\n\"}": false, `{"a":"é"}`: false, "{\"a\":\"\xff\"}": false,
	} {
		if got := settled([]byte(text)); got != want {
			t.Errorf("%.60s: %t, want %t", text, got, want)
		}
	}
}
