package locker

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

func TestObjectsKeepTheOrderOfTheirMembers(t *testing.T) {
	o, err := parseObject([]byte(` {"b":1, "a":{"z":1.50},"b":2,"":null} `))
	if got := string(o.text()); err != nil || got != `{"b":2,"a":{"z":1.50},"":null}` {
		t.Errorf("%s, %v", got, err)
	}
	other, err := parseObject([]byte(`{"c":3,"a":"<"}`))
	if got := string(o.merged(other).text()); err != nil || got != `{"b":2,"a":"<","":null,"c":3}` {
		t.Errorf("%s, %v", got, err)
	}
	if got := string(o.without("b", "x").with(member{"d", null}).text()); got != `{"a":{"z":1.50},"":null,"d":null}` {
		t.Error(got)
	}
	if got := string(o.text()); got != `{"b":2,"a":{"z":1.50},"":null}` {
		t.Errorf("it was changed: %s", got)
	}
}

func TestListsOfTextsAreWrittenAsOthersWriteThem(t *testing.T) {
	for _, list := range [][]string{nil, {}, {"a"}, {"a\"", "", "<\u2028", "\xff"}} {
		var want bytes.Buffer
		e := json.NewEncoder(&want)
		e.SetEscapeHTML(false)
		if err := e.Encode(list); err != nil {
			t.Fatal(err)
		}
		if got := encode(list); string(got)+"\n" != want.String() {
			t.Errorf("%q is %s, want %s", list, got, want.String())
		}
	}
}

// Copying the object for each member of it would be gigabytes.
func TestManyMembersCostLittle(t *testing.T) {
	var text strings.Builder
	for i := range 8000 {
		text.WriteString(`,"` + strconv.Itoa(i) + `":0`)
	}
	data := []byte("{" + text.String()[1:] + "}")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := parseObject(data); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if cost := after.TotalAlloc - before.TotalAlloc; cost > 64<<20 {
		t.Errorf("%d bytes", cost)
	}
}

// It is taken apart as others do, and put together as it was.
func FuzzObject(f *testing.F) {
	for _, text := range []string{
		`{}`, ` { } `, `{"a":1}`, "{\n\t\"a\" : [ {\"b\":\"}\"} , 2 ] , \"c\" : -1.5e+3 }", `{"\u0041\n\"":"\\","A\n\"":true,"ä":null,"\ud83d":"\ud83d"}`,
		`[]`, `null`, `"{"`, `1`, `{"a":{"b":{"c":[[],{}]}},"":false}`, "{\"\u2028\":\"\x7f<>&\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return
		}
		want := map[string]json.RawMessage{}
		isObject := json.Unmarshal(data, &want) == nil && string(bytes.TrimSpace(data)) != "null"
		got, err := parseObject(data)
		if (err == nil) != isObject {
			t.Fatalf("%v", err)
		}
		if !isObject {
			return
		}
		if len(got) != len(want) {
			t.Errorf("%d members, want %d", len(got), len(want))
		}
		for name, value := range want {
			if string(got.get(name)) != string(value) {
				t.Errorf("%q: %s, want %s", name, got.get(name), value)
			}
		}
		again := map[string]json.RawMessage{}
		if err := json.Unmarshal(got.text(), &again); err != nil || len(again) != len(want) {
			t.Errorf("%v: %s", err, got.text())
		}
	})
}

func TestStringsAreQuotedAsJavaScriptDoes(t *testing.T) {
	for s, want := range map[string]string{
		"": `""`, "a b": `"a b"`, `"\`: `"\"\\"`, "<&>ä😀": `"<&>ä😀"`, "\n\x00": `"\n\u0000"`,
	} {
		if got := string(encode(s)); got != want {
			t.Errorf("%q: %s", s, got)
		}
	}
}
