package httpapi

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
)

// FuzzForm gives the compatible calls any body: what is not refused makes requests
// that the protocol allows.
func FuzzForm(f *testing.F) {
	for _, body := range []string{`{"uid":"u","keys":["a","b"],"exp":5}`, `{"uid":"u","tokens":[{"key":"a","version":7}]}`} {
		f.Add("application/json", []byte(body))
	}
	f.Add("application/x-www-form-urlencoded", []byte("uid=u&keys=a&keys=b&exp=5"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		form, err := parseForm(contentType, body)
		if err != nil {
			return
		}
		if m, err := form.lock(&Config{DefaultExpiry: time.Second}); err == nil {
			if err := m.Validate(); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
		if keys, err := form.keys(); err == nil {
			if err := (&schema.Inspect{Names: keys}).Validate(); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
		if tokens, err := form.tokens(); err == nil {
			if err := (&schema.Inspect{Names: names(tokens)}).Validate(); err != nil {
				t.Errorf("%s: %v", body, err)
			}
		}
	})
}

// FuzzPath asks for any path: what is found has all that its braces stand for.
func FuzzPath(f *testing.F) {
	f.Add("/v1/realms/default/locks/a%2Fb")
	f.Add("/v1/realms//locks")
	f.Add("/%zz")
	routes := newTable(new(Server).table())
	f.Fuzz(func(t *testing.T, path string) {
		found, p := routes.find(path)
		for brace, text := range map[string]string{"{realm}": p.realm, "{name}": p.name} {
			if wanted := found != nil && strings.Contains(found.path, brace); wanted != (text != "") {
				t.Errorf("%q: %s is %q", path, brace, text)
			}
		}
		if utf8.ValidString(path) && path == "/lock" && found == nil {
			t.Error("not found")
		}
	})
}
