package schema

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vmihailenco/msgpack/v5"
)

// checkDecode decodes a body as every message. What is accepted must say the
// same in both encodings, and nothing may cost memory out of proportion.
func checkDecode(t *testing.T, e Encoding, body []byte) (accepted bool) {
	t.Helper()
	all := allocated(func() {
		for _, newMessage := range newMessages {
			_ = Decode(e, body, newMessage())
		}
	})
	if limit := len(newMessages) * (64<<10 + 400*len(body)); all > uint64(limit) {
		t.Fatalf("%d bytes are allocated for a body of %d", all, len(body))
	}
	for kind, newMessage := range newMessages {
		m := newMessage()
		err := Decode(e, body, m)
		if err != nil {
			refusal(t, err)
			continue
		}
		accepted = true
		for _, to := range []Encoding{JSON, MessagePack} {
			checkRoundTrip(t, kind, to, m)
		}
		if r, ok := m.(Request); ok {
			_ = r.Validate() // must not panic
		}
	}
	return accepted
}

func checkRoundTrip(t *testing.T, kind string, e Encoding, m Message) {
	t.Helper()
	body := Append(nil, e, m)
	if len(body) > m.bound() {
		return // as JSON, text may need more bytes than the bound lets pass
	}
	again := newMessages[kind]()
	if err := Decode(e, body, again); err != nil {
		t.Fatalf("%s in %s: %v of what was encoded: %q", kind, e.ContentType(), err, body)
	}
	if !reflect.DeepEqual(m, again) {
		t.Fatalf("%s in %s:\n got %+v\nwant %+v", kind, e.ContentType(), again, m)
	}
}

func TestEveryMessageSurvivesBothEncodings(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		for kind, newMessage := range newMessages {
			m := newMessage()
			fill(r, reflect.ValueOf(m).Elem())
			for _, e := range []Encoding{JSON, MessagePack} {
				checkRoundTrip(t, kind, e, m)
			}
		}
	}
}

func FuzzDecodeJSON(f *testing.F) {
	for _, m := range samples {
		f.Add(Append(nil, JSON, m))
	}
	for _, text := range nastyMetas {
		f.Add([]byte(`{"name":"a","meta":` + text + `}`))
	}
	for _, number := range numbers {
		f.Add([]byte(`{"size":` + number + `,"token":` + number + `,"ttl_ms":` + number + `}`))
	}
	for _, in := range hungry() {
		if in.e == JSON {
			f.Add([]byte(in.body[:min(len(in.body), 1000)]))
		}
	}
	for _, body := range []string{
		"", " ", "null", "[]", `{"name":"\ud800"}`, `{"name":"\ud83d\udd12"}`, "{\"name\":\"\xff\"}", `{"n\u0061me":"a","Name":"b","name":null}`,
		`{"locks":[{"name":"a","holders":[{"owner":"o","sessions":["s"],"granted_at":"2026-03-04T13:00:00.0079+01:00"}]}]}`,
		nested(`{"a":`, "1", "}", 50), nested("[", "", "]", 50), `{"meta":` + nested(`{"a":`, "1", "}", 33) + `}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if checkDecode(t, JSON, body) && len(body) > 0 && !(json.Valid(body) && utf8.Valid(body)) {
			t.Fatalf("%q is no JSON and was accepted", body)
		}
		if known := Unknown(JSON, body, new(Acquire)); len(known) > maxUnknown {
			t.Fatalf("%q: %q", body, known)
		}
		err := Decode(JSON, body, new(Reply))
		if err != nil && strings.Contains(err.Error(), "broken JSON") && json.Valid(body) {
			t.Fatalf("%q is JSON and was refused: %v", body, err)
		}
	})
}

func FuzzDecodeMessagePack(f *testing.F) {
	for _, m := range samples {
		f.Add(Append(nil, MessagePack, m))
	}
	for _, text := range nastyMetas {
		f.Add(Append(nil, MessagePack, &Acquire{Meta: mustMeta(text)}))
	}
	for _, in := range hungry() {
		if in.e == MessagePack {
			f.Add([]byte(in.body[:min(len(in.body), 1000)]))
		}
	}
	for _, body := range []string{
		"", "\x80", "\xc0", "\x90", "\xc1", "\x81\x01\x02", "\x81\xa4name\xc4\x01a", "\x81\xa4name\xa1\xff", "\x81\xa4size\xca\x7f\xc0\x00\x00",
		"\x82\xa4name\xa1a\xa4name\xc0", "\x83\xa1x\xc7\x02\x01ab\xa1y\xd8" + long(17) + "\xa1z\xc6\x00\x00\x00\x01a",
		nested("\x81\xa1a", "\xc0", "", 50), "\x81\xa1x" + nested("\x91", "\xc0", "", 50),
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !checkDecode(t, MessagePack, body) || len(body) == 0 {
			return
		}
		decoder := msgpack.NewDecoder(bytes.NewReader(body))
		if err := decoder.Skip(); err != nil && !strings.Contains(err.Error(), "ext") {
			t.Fatalf("%q was accepted, and another library says %v", body, err)
		}
		if n := decoder.Buffered().(*bytes.Reader).Len(); n != 0 {
			t.Fatalf("%q was accepted, and another library leaves %d bytes", body, n)
		}
	})
}

func FuzzMeta(f *testing.F) {
	for i, text := range nastyMetas {
		f.Add([]byte(text), []byte(nastyMetas[(i+1)%len(nastyMetas)]))
	}
	for _, number := range numbers {
		f.Add([]byte(`{"a":`+number+`}`), []byte(`{"b":[`+number+`]}`))
	}
	f.Add([]byte(`{"a":1,"b":2,"a":3}`), []byte(`{"b":{},"\u0062":1}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		a, err := parseMeta(first)
		if settled(first) && (err != nil || !bytes.Equal(first, a)) {
			t.Fatalf("%s seems to be settled, but becomes %s, %v", first, a, err)
		}
		if err != nil {
			return
		}
		if again, err := ParseMeta(a); len(a) > 0 && (err != nil || !bytes.Equal(again, a)) {
			t.Fatalf("%s becomes %s, %v", a, again, err)
		}
		checkRoundTrip(t, "acquire", JSON, &Acquire{Meta: a})
		checkRoundTrip(t, "acquire", MessagePack, &Acquire{Meta: a})
		b, err := ParseMeta(second)
		if err != nil {
			return
		}
		merged, err := a.Merge(b)
		if err != nil {
			if len(a)+len(b) <= MaxMeta {
				t.Fatalf("%s and %s: %v", a, b, err)
			}
			return
		}
		checkMerged(t, a, b, merged)
	})
}

// checkMerged compares a merge with one that is made of maps.
func checkMerged(t *testing.T, a, b, merged Meta) {
	t.Helper()
	want, got := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for _, m := range []Meta{a, b} {
		if len(m) > 0 {
			if err := json.Unmarshal(m, &want); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(merged) > 0 {
		if err := json.Unmarshal(merged, &got); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s and %s: got %s", a, b, merged)
	}
}

func FuzzEscape(f *testing.F) {
	for _, text := range nastyTexts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token := EscapeToken(text)
		if strings.ContainsAny(token, ".*> \t\r\n") {
			t.Fatalf("%q becomes %q, which is no token", text, token)
		}
		got, err := UnescapeToken(token)
		if utf8.ValidString(text) != (err == nil) || err == nil && got != text {
			t.Fatalf("%q becomes %q and then %q, %v", text, token, got, err)
		}
		if other, err := UnescapeToken(text); err == nil && EscapeToken(other) != text {
			t.Fatalf("%q is another spelling of %q", text, EscapeToken(other))
		}
	})
}

func FuzzSubject(f *testing.F) {
	f.Add("lock.default.acquire.worker-17")
	f.Add("lock.shop=2Eexample.release")
	f.Add("lock.=F0=9F=94=92.list.=2A")
	f.Add("lock.a.acquire.b.c")
	f.Add("lock.=2e.acquire")
	f.Add("lock...")
	f.Fuzz(func(t *testing.T, subject string) {
		a, err := ParseSubject(subject)
		if err != nil {
			refusal(t, err)
			return
		}
		if again := RequestSubject(a.Realm, a.Verb, a.Client); again != subject {
			t.Fatalf("%q is also %q", subject, again)
		}
		if len(a.Realm) == 0 || len(a.Realm) > MaxRealm || len(a.Client) > MaxClient || a.Named != (a.Client != "") || !a.Verb.Valid() {
			t.Fatalf("%q is %+v", subject, a)
		}
	})
}

func FuzzParseLockKey(f *testing.F) {
	for _, name := range nastyTexts {
		f.Add(LockKey("default", name))
	}
	f.Add("a.b.c")
	f.Add("=2e.a")
	f.Fuzz(func(t *testing.T, key string) {
		realm, name, err := ParseLockKey(key)
		if err != nil {
			refusal(t, err)
			return
		}
		if again := LockKey(realm, name); again != key {
			t.Fatalf("%q is also %q", key, again)
		}
	})
}
