package schema

import (
	"runtime"
	"strings"
	"testing"
)

func TestListsAreBounded(t *testing.T) {
	many := func(element string, n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(element+",", n), ",") + "]"
	}
	for _, c := range []struct {
		m    Message
		body string
		want string
	}{
		{new(Acquire), `{"names":` + many(`"a"`, MaxNames) + `}`, ""},
		{new(Acquire), `{"names":` + many(`"a"`, MaxNames+1) + `}`, "names: more than 64"},
		{new(Release), `{"names":` + many(`"a"`, MaxNames+1) + `}`, "names: more than 64"},
		{new(Release), `{"locks":` + many(`{}`, MaxNames) + `}`, ""},
		{new(Release), `{"locks":` + many(`{}`, MaxNames+1) + `}`, "locks: more than 64"},
		{new(Inspect), `{"names":` + many(`"a"`, MaxInspect) + `}`, ""},
		{new(Inspect), `{"names":` + many(`"a"`, MaxInspect+1) + `}`, "names: more than 256"},
		{new(Reply), `{"holders":` + many(`{}`, maxObjects) + `}`, ""},
		{new(Reply), `{"holders":` + many(`{}`, maxObjects+1) + `}`, "holders: more than 32768"},
		{new(Reply), `{"locks":[{"holders":` + many(`{}`, maxObjects) + `}]}`, "locks[0].holders: more than 32768"},
	} {
		err := Decode(JSON, []byte(c.body), c.m)
		if c.want == "" && err != nil || c.want != "" && refusal(t, err) != c.want {
			t.Errorf("%.40s: got %v, want %q", c.body, err, c.want)
		}
	}
}

func TestABodyOfExactlyTheBoundIsRead(t *testing.T) {
	body := `{"x":"` + strings.Repeat("a", MaxRequest-len(`{"x":"","name":"a"}`)) + `","name":"a"}`
	var m Acquire
	if err := Decode(JSON, []byte(body), &m); len(body) != MaxRequest || err != nil || m.Name != "a" {
		t.Errorf("%d bytes: %v %+v", len(body), err, m)
	}
	reply := `{"x":"` + strings.Repeat("a", MaxReply-len(`{"x":""}`)) + `"}`
	if err := Decode(JSON, []byte(reply), new(Reply)); err != nil {
		t.Error(err)
	}
	if err := Decode(JSON, []byte(reply+" "), new(Reply)); err == nil {
		t.Error("a reply above the bound was read")
	}
}

// allocated is how many bytes f allocates.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// hungry bodies claim or hold as many values as they can in few bytes.
func hungry() map[string]struct {
	e    Encoding
	body string
} {
	type input = struct {
		e    Encoding
		body string
	}
	fill := func(prefix, element, suffix string) string {
		return prefix + strings.Repeat(element, (MaxRequest-len(prefix)-len(suffix))/len(element)) + suffix
	}
	return map[string]input{
		"a map of four billion":         {MessagePack, "\xdf\xff\xff\xff\xff"},
		"a field of four billion":       {MessagePack, "\x81\xa4meta\xdf\xff\xff\xff\xff"},
		"a list of four billion":        {MessagePack, "\x81\xa5names\xdd\xff\xff\xff\xff"},
		"locks of four billion":         {MessagePack, "\x81\xa5locks\xdd\xff\xff\xff\xff"},
		"text of four billion":          {MessagePack, "\x81\xa4name\xdb\xff\xff\xff\xff"},
		"binary data of four billion":   {MessagePack, "\x81\xa4name\xc6\xff\xff\xff\xff"},
		"an extension of four billion":  {MessagePack, "\x81\xa4name\xc9\xff\xff\xff\xff\x01"},
		"maps of the whole rest":        {MessagePack, fill("\x81\xa1x", "\xde\x7f\xff\xa0", "")},
		"unknown fields":                {MessagePack, fill("\xde\x7f\xf0", "\xa0\xc0", "")},
		"unknown fields in JSON":        {JSON, fill(`{"a":0`, `,"":0`, `}`)},
		"the same field":                {JSON, fill(`{"a":0`, `,"name":""`, `}`)},
		"names":                         {JSON, fill(`{"names":[""`, `,""`, `]}`)},
		"locks":                         {JSON, fill(`{"locks":[{}`, `,{}`, `]}`)},
		"locks in MessagePack":          {MessagePack, fill("\x81\xa5locks\xdc\xff\xf0", "\x80", "")},
		"meta of empty lists":           {MessagePack, fill("\x81\xa4meta\x81\xa1a\xdc\xff\xe0", "\x90", "")},
		"meta of empty keys":            {MessagePack, fill("\x81\xa4meta\xde\x7f\xe0", "\xa0\xc0", "")},
		"meta of empty objects in JSON": {JSON, fill(`{"meta":{"a":[{}`, `,{}`, `]}}`)},
		"a long number":                 {JSON, fill(`{"size":1`, `0`, `}`)},
		"a long fraction":               {JSON, fill(`{"size":0.`, `3`, `}`)},
		"a long exponent":               {JSON, fill(`{"size":1e`, `9`, `}`)},
		"escapes":                       {JSON, fill(`{"name":"`, `\u0000`, `"}`)},
		"escapes in keys":               {JSON, fill(`{"a":0`, `,"\u0000":0`, `}`)},
	}
}

func TestDecodeAllocatesInProportionToTheBody(t *testing.T) {
	for name, in := range hungry() {
		for kind, newMessage := range newMessages {
			m := newMessage()
			got := allocated(func() { _ = Decode(in.e, []byte(in.body), m) })
			limit := uint64(64<<10 + 100*len(in.body))
			if kind == "reply" {
				limit += 400 * maxObjects // what the bound on its objects allows
			}
			if got > limit {
				t.Errorf("%s as %s: %d bytes for a body of %d", name, kind, got, len(in.body))
			}
		}
	}
}
