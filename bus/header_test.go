package bus

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHeaderTextIsOneBoundedLine(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"plain":                        "plain",
		"a\nb\r\nc":                    "a b  c",
		"\r\nNats-Evil: 1":             "Nats-Evil: 1",
		"bad\xffutf":                   "bad\uFFFDutf",
		strings.Repeat("x", 600):       strings.Repeat("x", maxErrorHeader),
		strings.Repeat("é", 600):       strings.Repeat("é", maxErrorHeader/2),
		"x" + strings.Repeat("é", 600): "x" + strings.Repeat("é", maxErrorHeader/2-1),
	} {
		if got := headerText(text); got != want {
			t.Errorf("%.20q becomes %.40q, want %.40q", text, got, want)
		}
	}
}

func FuzzHeaderText(f *testing.F) {
	f.Add("a\r\nb")
	f.Fuzz(func(t *testing.T, text string) {
		got := headerText(text)
		if len(got) > maxErrorHeader || strings.ContainsAny(got, "\r\n\x00") || !utf8.ValidString(got) {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}

func TestMostAnswersShareTheirHeaders(t *testing.T) {
	plain := Response{ContentType: "application/msgpack"}
	if n := testing.AllocsPerRun(100, func() { plain.header() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for _, r := range []Response{{}, plain, {ContentType: "text/plain"}, {ContentType: "application/json", Code: "busy", Message: "a\nb"}} {
		h := r.header()
		if h.Get(headerContentType) != r.ContentType || h.Get(headerErrorCode) != r.Code || (h.Get(headerError) == "a b") != (r.Code != "") {
			t.Errorf("%+v: %v", r, h)
		}
	}
	if (&Response{}).header() != nil {
		t.Error("a header without anything in it")
	}
}
