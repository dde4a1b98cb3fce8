package schema

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/vmihailenco/msgpack/v5"
)

// pack is a value in MessagePack, as another library writes it.
func pack(t *testing.T, v any) string {
	t.Helper()
	body, err := msgpack.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

type object = map[string]any

func nested(open, inner, end string, depth int) string {
	return strings.Repeat(open, depth) + inner + strings.Repeat(end, depth)
}

// refusal is the message of an error that must be a well-formed refusal.
func refusal(t *testing.T, err error) string {
	t.Helper()
	var refused *Error
	if !errors.As(err, &refused) {
		t.Fatalf("want an *Error, got %v", err)
	}
	if refused.Status != StatusInvalid || refused.Field == "" || !strings.HasPrefix(refused.Message, refused.Field+": ") {
		t.Fatalf("want invalid and a message that begins with the field, got %+v", refused)
	}
	return refused.Message
}

func TestBrokenJSONIsRefused(t *testing.T) {
	for body, want := range map[string]string{
		`{`:                            "body: broken JSON: ends early, want a key",
		`{"name"`:                      "body: broken JSON: ends early, want a colon",
		`{"name":`:                     "name: broken JSON: ends early, want a value",
		`{"name":"a"`:                  "body: broken JSON: ends early, want a comma or }",
		`{"name":"a`:                   "name: broken JSON: ends early, want a quotation mark",
		`{"name":"a",}`:                "body: broken JSON at byte 12: want a key",
		`{"name":"a" "b"}`:             "body: broken JSON at byte 12: want a comma or }",
		`{,}`:                          "body: broken JSON at byte 1: want a key",
		`{name:"a"}`:                   "body: broken JSON at byte 1: want a key",
		`{'name':'a'}`:                 "body: broken JSON at byte 1: want a key",
		`{"name":'a'}`:                 "name: broken JSON at byte 8: want a value",
		`{"name":tru}`:                 "name: broken JSON at byte 8: want a value",
		`{"names":["a",]}`:             "names[1]: broken JSON at byte 14: want a value",
		`{"names":["a"`:                "names: broken JSON: ends early, want a comma or ]",
		`{"names":["a"}`:               "names: broken JSON at byte 13: want a comma or ]",
		`{"size":01}`:                  "body: broken JSON at byte 9: want a comma or }",
		`{"size":+1}`:                  "size: broken JSON at byte 8: want a value",
		`{"size":.5}`:                  "size: broken JSON at byte 8: want a value",
		`{"size":1.}`:                  "size: broken JSON at byte 10: want a digit",
		`{"size":-}`:                   "size: broken JSON at byte 9: want a digit",
		`{"size":1e}`:                  "size: broken JSON at byte 10: want a digit",
		`{"size":NaN}`:                 "size: broken JSON at byte 8: want a value",
		`{"name":"\x"}`:                "name: broken JSON at byte 10: want an escape",
		`{"name":"\u12g4"}`:            "name: broken JSON at byte 10: want four hex digits",
		`{"name":"\u12`:                "name: broken JSON at byte 10: want four hex digits",
		"{\"name\":\"a\nb\"}":          "name: broken JSON at byte 10: want control characters as escapes",
		"\ufeff{}":                     "body: broken JSON at byte 0: want a value",
		`   `:                          "body: broken JSON: ends early, want a value",
		"\x00":                         "body: broken JSON at byte 0: want a value",
		`{} {}`:                        "body: 2 bytes after its end",
		`{"name":"a"}x`:                "body: 1 bytes after its end",
		`[]`:                           "body: want an object, got a list",
		`null`:                         "body: want an object, got null",
		`"name"`:                       "body: want an object, got a string",
		`7`:                            "body: want an object, got a number",
		`true`:                         "body: want an object, got true or false",
		"{\"name\":\"\xff\"}":          "name: not valid UTF-8",
		"{\"name\":\"\xed\xa0\x80\"}":  "name: not valid UTF-8",
		"{\"names\":[\"a\",\"\xc0\"]}": "names[1]: not valid UTF-8",
		"{\"\xff\":1}":                 "body: not valid UTF-8",
		"{\"x\":{\"y\":\"\xff\"}}":     "body: not valid UTF-8",
		"{\"x\":[\"\xff\"]}":           "body: not valid UTF-8",
		`{"name":"\ud800"}`:            "name: not valid Unicode: a lone surrogate",
		`{"name":"\udc00"}`:            "name: not valid Unicode: a lone surrogate",
		`{"name":"\ud800\ud800"}`:      "name: not valid Unicode: a lone surrogate",
		`{"name":"\ud800\n"}`:          "name: not valid Unicode: a lone surrogate",
		`{"name":"\udc00\ud800"}`:      "name: not valid Unicode: a lone surrogate",
		`{"x":{"\ud83d":1}}`:           "body: not valid Unicode: a lone surrogate",
		`{"x":` + nested("[", "", "]", maxDepth) + `}`:                            "body: nested deeper than 40",
		`{"x":` + nested(`{"a":`, "1", "}", maxDepth) + `}`:                       "body: nested deeper than 40",
		`{"meta":` + nested(`{"a":`, "1", "}", maxMetaDepth+1) + `}`:              "meta: nested deeper than 32",
		`{"meta":{"a":` + nested(`[`, "1", "]", maxMetaDepth) + `}}`:              "meta: nested deeper than 32",
		`{"name":` + strings.Repeat("[", MaxRequest-8):                            "name" + strings.Repeat("[0]", maxDepth-1) + ": nested deeper than 40",
		strings.Repeat("[", MaxRequest):                                           "body: want an object, got a list",
		strings.Repeat(`{"a":`, MaxRequest/5):                                     "body: nested deeper than 40",
		`{"name":"` + strings.Repeat("a", MaxRequest+1-len(`{"name":""}`)) + `"}`: "body: 65537 bytes, at most 65536",
		strings.Repeat(" ", MaxRequest+1):                                         "body: 65537 bytes, at most 65536",
	} {
		got := refusal(t, Decode(JSON, []byte(body), new(Acquire)))
		if got != want {
			t.Errorf("%.80q:\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestBrokenMessagePackIsRefused(t *testing.T) {
	const early = ": ends early or claims more than there is"
	name, names, size := "\x81\xa4name", "\x81\xa5names", "\x81\xa4size"
	for body, want := range map[string]string{
		"\x81":                              "body: broken MessagePack at byte 0" + early,
		"\x81\xa4nam":                       "body: broken MessagePack at byte 1" + early,
		name:                                "name: broken MessagePack at byte 6" + early,
		name + "\xa5four":                   "name: broken MessagePack at byte 6" + early,
		name + "\xd9":                       "name: broken MessagePack at byte 6" + early,
		name + "\xd9\x05four":               "name: broken MessagePack at byte 6" + early,
		name + "\xda\x00":                   "name: broken MessagePack at byte 6" + early,
		name + "\xdb\xff\xff\xff":           "name: broken MessagePack at byte 6" + early,
		name + "\xdb\xff\xff\xff\xffab":     "name: broken MessagePack at byte 6" + early,
		names + "\x92\xa1a":                 "names[1]: broken MessagePack at byte 10" + early,
		names + "\x92\xa1a\xa1":             "names[1]: broken MessagePack at byte 10" + early,
		size + "\xcd\x00":                   "size: broken MessagePack at byte 6" + early,
		size + "\xc1":                       "size: broken MessagePack at byte 6" + early,
		size + "\xd4\x00":                   "size: broken MessagePack at byte 6" + early,
		"\xc1":                              "body: broken MessagePack at byte 0" + early,
		"\xde\x00":                          "body: broken MessagePack at byte 0" + early,
		"\xde\xff\xff":                      "body: broken MessagePack at byte 0" + early,
		"\xdf\xff\xff\xff\xff":              "body: broken MessagePack at byte 0" + early,
		"\xdf\xff\xff\xff\xff\xa4name\xa1a": "body: broken MessagePack at byte 0" + early,
		"\x81\xa1x\xdf\xff\xff\xff\xff":     "body: broken MessagePack at byte 3" + early,
		names + "\xdd\xff\xff\xff\xff\xa1a": "names: broken MessagePack at byte 7" + early,
		"\x80\x80":                          "body: 1 bytes after its end",
		"\x90":                              "body: want an object, got a list",
		"\xc0":                              "body: want an object, got null",
		"\xa4name":                          "body: want an object, got a string",
		"\xc4\x00":                          "body: want an object, got binary data",
		"\x81\x01\x02":                      "body: a key is a number, want a string",
		"\x81\xc4\x04name\xa1a":             "body: a key is binary data, want a string",
		"\x81\xc0\xa1a":                     "body: a key is null, want a string",
		"\x81\xa1\xff\xa1a":                 "body: a key is not valid UTF-8",
		"\x81\xa1x\x81\x01\x02":             "body: a key is a number, want a string",
		"\x81\xa4meta\x81\x01\x02":          "meta: a key is a number, want a string",
		"\x81\xa4meta\x81\xa1a\xc4\x01a":    "meta: binary data has no place here",
		"\x81\xa4meta\x81\xa1a\xd4\x01a":    "meta: an extension has no place here",
		"\x81\xa4meta\x81\xa1a\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00": "meta: a number is too large, or none",
		"\x81\xa4meta\x81\xa1a\xca\x7f\xc0\x00\x00":                 "meta: a number is too large, or none",
		name + "\xa1\xff":                                                "name: not valid UTF-8",
		name + "\xa3\xed\xa0\x80":                                        "name: not valid UTF-8",
		name + "\xc4\x01a":                                               "name: want a string, got binary data",
		name + "\xd4\x01a":                                               "name: want a string, got an extension",
		names + "\x91\xc4\x01a":                                          "names[0]: want a string, got binary data",
		size + "\xca\x7f\xc0\x00\x00":                                    "size: want a whole number, got NaN",
		size + "\xca\x7f\x80\x00\x00":                                    "size: out of range",
		size + "\xca\x3f\xc0\x00\x00":                                    "size: want a whole number, got a fraction",
		size + "\xcb\x43\xe0\x00\x00\x00\x00\x00\x00":                    "size: out of range",
		size + "\xcf\x80\x00\x00\x00\x00\x00\x00\x00":                    "size: out of range",
		"\x81\xa1x" + nested("\x91", "\x90", "", maxDepth-1):             "body: nested deeper than 40",
		"\x81\xa1x" + nested("\x81\xa1a", "\x80", "", maxDepth-1):        "body: nested deeper than 40",
		"\x81\xa4meta" + nested("\x81\xa1a", "\xc0", "", maxMetaDepth+1): "meta: nested deeper than 32",
		"\x81\xa1x" + strings.Repeat("\x91", MaxRequest-3):               "body: nested deeper than 40",
		"\x81\xa1x\xda\xff\xff" + strings.Repeat("a", MaxRequest):        "body: 65542 bytes, at most 65536",
	} {
		got := refusal(t, Decode(MessagePack, []byte(body), new(Acquire)))
		if got != want {
			t.Errorf("%.80q:\n got %s\nwant %s", body, got, want)
		}
	}
}

func TestValuesOfTheWrongKindAreRefused(t *testing.T) {
	for _, c := range []struct {
		m    Message
		json string
		body object
		want string
	}{
		{new(Acquire), `{"size":"3"}`, object{"size": "3"}, "size: want a whole number, got a string"},
		{new(Acquire), `{"size":true}`, object{"size": true}, "size: want a whole number, got true or false"},
		{new(Acquire), `{"size":[3]}`, object{"size": []int{3}}, "size: want a whole number, got a list"},
		{new(Acquire), `{"size":1.5}`, object{"size": 1.5}, "size: want a whole number, got a fraction"},
		{new(Acquire), `{"size":1e30}`, object{"size": 1e30}, "size: out of range"},
		{new(Acquire), `{"size":9223372036854775808}`, object{"size": uint64(1 << 63)}, "size: out of range"},
		{new(Acquire), `{"ttl_ms":"30000"}`, object{"ttl_ms": "30000"}, "ttl_ms: want a whole number, got a string"},
		{new(Acquire), `{"ttl_ms":0.1}`, object{"ttl_ms": 0.1}, "ttl_ms: want a whole number, got a fraction"},
		{new(Acquire), `{"wait_ms":{}}`, object{"wait_ms": object{}}, "wait_ms: want a whole number, got an object"},
		{new(Acquire), `{"name":7}`, object{"name": 7}, "name: want a string, got a number"},
		{new(Acquire), `{"name":{}}`, object{"name": object{}}, "name: want a string, got an object"},
		{new(Acquire), `{"names":"a"}`, object{"names": "a"}, "names: want a list, got a string"},
		{new(Acquire), `{"names":["a",2]}`, object{"names": []any{"a", 2}}, "names[1]: want a string, got a number"},
		{new(Acquire), `{"names":[null]}`, object{"names": []any{nil}}, "names[0]: want a string, got null"},
		{new(Acquire), `{"mode":1}`, object{"mode": 1}, "mode: want a string, got a number"},
		{new(Acquire), `{"meta":"{}"}`, object{"meta": "{}"}, "meta: want an object, got a string"},
		{new(Acquire), `{"meta":[]}`, object{"meta": []any{}}, "meta: want an object, got a list"},
		{new(Release), `{"token":"256"}`, object{"token": "256"}, "token: want a whole number, got a string"},
		{new(Release), `{"token":-1}`, object{"token": -1}, "token: must not be negative"},
		{new(Release), `{"name":"a","owner":"o","token":0}`, object{"name": "a", "owner": "o", "token": 0}, "token: 0 is no hold's token"},
		{new(Release), `{"locks":[{"name":"a","token":0}]}`, object{"locks": []any{object{"name": "a", "token": 0}}}, "locks[0].token: 0 is no hold's token"},
		{new(Renew), `{"name":"a","token":0.0}`, object{"name": "a", "token": 0.0}, "token: 0 is no hold's token"},
		{new(Force), `{"name":"a","token":0}`, object{"name": "a", "token": 0}, "token: 0 is no hold's token"},
		{new(Release), `{"token":18446744073709551616}`, object{"token": 18446744073709551616.0}, "token: out of range"},
		{new(Release), `{"locks":{}}`, object{"locks": object{}}, "locks: want a list, got an object"},
		{new(Release), `{"locks":[null]}`, object{"locks": []any{nil}}, "locks[0]: want an object, got null"},
		{new(Release), `{"locks":[{},[]]}`, object{"locks": []any{object{}, []any{}}}, "locks[1]: want an object, got a list"},
		{new(Release), `{"locks":[{"token":""}]}`, object{"locks": []any{object{"token": ""}}}, "locks[0].token: want a whole number, got a string"},
		{new(Keepalive), `{"create":1}`, object{"create": 1}, "create: want true or false, got a number"},
		{new(Keepalive), `{"cid":-1}`, object{"cid": -1}, "cid: must not be negative"},
		{new(Keepalive), `{"cid":"1"}`, object{"cid": "1"}, "cid: want a whole number, got a string"},
		{new(Reply), `{"locks":[{"held":0}]}`, object{"locks": []any{object{"held": 0}}}, "locks[0].held: want true or false, got a number"},
		{new(Reply), `{"locks":[{"holders":[{"granted_at":1}]}]}`, object{"locks": []any{object{"holders": []any{object{"granted_at": 1}}}}}, "locks[0].holders[0].granted_at: want a string, got a number"},
		{new(Event), `{"at":"yesterday"}`, object{"at": "yesterday"}, "at: want a time as 2006-01-02T15:04:05.000Z"},
		{new(Event), `{"at":"0000-01-01T00:00:00+23:00"}`, object{"at": "0000-01-01T00:00:00+23:00"}, "at: want a time as 2006-01-02T15:04:05.000Z"},
		{new(Event), `{"at":"9999-12-31T23:59:59-23:00"}`, object{"at": "9999-12-31T23:59:59-23:00"}, "at: want a time as 2006-01-02T15:04:05.000Z"},
	} {
		for e, body := range map[Encoding]string{JSON: c.json, MessagePack: pack(t, c.body)} {
			m := reflect.New(reflect.TypeOf(c.m).Elem()).Interface().(Message)
			if got := refusal(t, Decode(e, []byte(body), m)); got != c.want {
				t.Errorf("%s in %s:\n got %s\nwant %s", c.json, e.ContentType(), got, c.want)
			}
		}
	}
}

func TestWhatDecodes(t *testing.T) {
	for _, c := range []struct {
		name string
		json string
		want Message
	}{
		{"an empty body", ``, &Acquire{}},
		{"an empty object", `{}`, &Acquire{}},
		{"white space around", " \t\r\n{ \"name\" : \"a\" , \"names\" : [ \"b\" , \"c\" ] }\n ", &Acquire{Name: "a", Names: []string{"b", "c"}}},
		{"unknown fields", `{"color":"red","x":{"name":"b","y":[1,{}]},"name":"a"}`, &Acquire{Name: "a"}},
		{"unknown fields deep inside", `{"locks":[{"name":"a","x":{"token":1},"token":256}]}`, &Release{Locks: []LockToken{{"a", 256}}}},
		{"another case", `{"Name":"b","NAME":"c","name":"a","ttl_MS":1}`, &Acquire{Name: "a"}},
		{"only another case", `{"Name":"b","nаme":"c"}`, &Acquire{}},
		{"the last of two", `{"name":"a","name":"b"}`, &Acquire{Name: "b"}},
		{"the last of two, which is null", `{"name":"a","name":null}`, &Acquire{}},
		{"the last of two, of which the first is wrong", `{"size":"x","size":3}`, &Acquire{Size: 3}},
		{"nulls", `{"name":null,"names":null,"size":null,"ttl_ms":null,"meta":null}`, &Acquire{}},
		{"a key with escapes", `{"n\u0061me":"a"}`, &Acquire{Name: "a"}},
		{"text with escapes", `{"name":"\"\\\/\b\f\n\r\t\u0000\u00e9\ud83d\udd12x"}`, &Acquire{Name: "\"\\/\b\f\n\r\t\x00é🔒x"}},
		{"a null byte as escape only", `{"name":"\u0000"}`, &Acquire{Name: "\x00"}},
		{"an integral fraction", `{"size":3.0,"wait_ms":-1.00}`, &Acquire{Size: 3, Wait: -1}},
		{"an exponent", `{"size":1e3,"ttl_ms":300000E-1}`, &Acquire{Size: 1000, TTL: pointer[int64](30_000)}},
		{"a negative zero", `{"size":-0,"ttl_ms":-0.0e5}`, &Acquire{TTL: pointer[int64](0)}},
		{"zeros that are given", `{"ttl_ms":0,"wait_ms":0}`, &Acquire{TTL: pointer[int64](0)}},
		{"no token", `{"name":"a","token":null}`, &Force{Name: "a"}},
		{"large tokens", `{"token":18446744073709551615}`, &Release{Token: 1<<64 - 1}},
		{"a token no float holds", `{"token":9007199254740993.0}`, &Release{Token: 9007199254740993}},
		{"empty lists", `{"names":[]}`, &Acquire{}},
		{"an empty meta", `{"meta":{ }}`, &Acquire{}},
		{"an empty list of locks", `{"locks":[]}`, &Reply{Locks: []LockState{}}},
		{"a time in another zone", `{"at":"2026-03-04T13:00:00.0079+01:00"}`, &Event{At: noon}},
		{"a meta at its depth", `{"meta":` + nested(`{"a":`, "1", "}", maxMetaDepth) + `}`, &Acquire{Meta: Meta(nested(`{"a":`, "1", "}", maxMetaDepth))}},
		{"a field at its depth", `{"x":` + nested("[", "", "]", maxDepth-1) + `}`, &Acquire{}},
	} {
		got := reflect.New(reflect.TypeOf(c.want).Elem()).Interface().(Message)
		if err := Decode(JSON, []byte(c.json), got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, err, got, c.want)
		}
	}
}

func TestWhatDecodesFromMessagePack(t *testing.T) {
	for _, c := range []struct {
		name string
		body string
		want Message
	}{
		{"an empty body", "", &Acquire{}},
		{"the last of two", "\x82\xa4name\xa1a\xa4name\xa1b", &Acquire{Name: "b"}},
		{"nulls", "\x82\xa4name\xc0\xa6ttl_ms\xc0", &Acquire{}},
		{"wide headers", "\xdf\x00\x00\x00\x01\xdb\x00\x00\x00\x05names\xdd\x00\x00\x00\x01\xda\x00\x01a", &Acquire{Names: []string{"a"}}},
		{"wide numbers", "\x82\xa4size\xd3\x00\x00\x00\x00\x00\x00\x00\x03\xa7wait_ms\xd3" + strings.Repeat("\xff", 8), &Acquire{Size: 3, Wait: -1}},
		{"narrow numbers", "\x82\xa4size\x03\xa7wait_ms\xff", &Acquire{Size: 3, Wait: -1}},
		{"int8", "\x81\xa7wait_ms\xd0\x80", &Acquire{Wait: -128}},
		{"int16", "\x81\xa7wait_ms\xd1\x80\x00", &Acquire{Wait: -32768}},
		{"int32", "\x81\xa7wait_ms\xd2\x80\x00\x00\x00", &Acquire{Wait: -1 << 31}},
		{"floats", "\x82\xa4size\xca\x40\x40\x00\x00\xa6ttl_ms\xcb\x40\xdd\x4c\x00\x00\x00\x00\x00", &Acquire{Size: 3, TTL: pointer[int64](30_000)}},
		{"a negative zero", "\x81\xa4size\xcb\x80\x00\x00\x00\x00\x00\x00\x00", &Acquire{}},
		{"unknown binary data and extensions", "\x84\xa1x\xc4\x01\xff\xa1y\xd4\x01\xff\xa1z\xc7\x02\x01\xff\xff\xa4name\xa1a", &Acquire{Name: "a"}},
	} {
		got := reflect.New(reflect.TypeOf(c.want).Elem()).Interface().(Message)
		if err := Decode(MessagePack, []byte(c.body), got); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v\n got %+v\nwant %+v", c.name, err, got, c.want)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		want              Encoding
	}{
		{"", "", JSON},
		{"", "{}", JSON},
		{"", " {}", JSON},
		{"", "\x80", MessagePack},
		{"", "\x8f", MessagePack},
		{"", "\xde", MessagePack},
		{"", "\xdf", MessagePack},
		{"", "\x90", JSON},
		{"", "\xc0", JSON},
		{"application/json", "\x80", JSON},
		{"application/msgpack", "{}", MessagePack},
		{"application/msgpack", "", MessagePack},
		{"Application/MsgPack; charset=binary", "", MessagePack},
		{"text/plain", "\x80", JSON},
	} {
		if got := Detect(c.contentType, []byte(c.body)); got != c.want {
			t.Errorf("%q %q: got %s", c.contentType, c.body, got.ContentType())
		}
	}
}

func TestDecodeKeepsNothingOfTheBody(t *testing.T) {
	for _, e := range []Encoding{JSON, MessagePack} {
		want := samples["acquire"]
		body := Append(nil, e, want)
		got := new(Acquire)
		if err := Decode(e, body, got); err != nil {
			t.Fatal(err)
		}
		clear(body)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: after the body is gone got %+v", e.ContentType(), got)
		}
	}
}

func TestDecodeAfterAFailureIsClean(t *testing.T) {
	for range 100 {
		_ = Decode(JSON, []byte(`{"locks":[{"name":"a","holders":[{"owner":7}]}]}`), new(Reply))
		_ = Decode(MessagePack, []byte("\x81\xa4name\xc1"), new(Acquire))
		var m Acquire
		if err := Decode(JSON, []byte(`{"owner":"o"}`), &m); err != nil || !reflect.DeepEqual(m, Acquire{Owner: "o"}) {
			t.Fatalf("%v %+v", err, m)
		}
	}
}

func TestAppendMendsTextThatIsNotUTF8(t *testing.T) {
	for _, e := range []Encoding{JSON, MessagePack} {
		var got Reply
		if err := Decode(e, Append(nil, e, &Reply{Status: StatusInternal, Message: "a\xff\xfeb"}), &got); err != nil {
			t.Error(err)
		}
		if strings.ReplaceAll(got.Message, "\uFFFD", "") != "ab" || got.Message == "ab" {
			t.Errorf("got %q", got.Message)
		}
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	for _, e := range []Encoding{JSON, MessagePack} {
		got := Append([]byte("{["), e, &Leave{Session: "s"})
		if want := "{[" + string(Append(nil, e, &Leave{Session: "s"})); string(got) != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
