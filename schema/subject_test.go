package schema

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestEscapeToken(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "shop": "shop", "Az09_-": "Az09_-", "shop.example": "shop=2Eexample", "*": "=2A", ">": "=3E", "=": "=3D", "=2E": "=3D2E",
		" ": "=20", "\x00": "=00", "a/b": "a=2Fb", "é": "=C3=A9", "🔒": "=F0=9F=94=92", "\n": "=0A", "$SYS": "=24SYS",
	} {
		if got := EscapeToken(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got, err := UnescapeToken(want); err != nil || got != text {
			t.Errorf("%q: got %q, %v", want, got, err)
		}
	}
}

func TestOnlyOneSpellingIsAccepted(t *testing.T) {
	for token, want := range map[string]string{
		"=2e":       "an escape is = and two upper-case hex digits",
		"=c3=a9":    "an escape is = and two upper-case hex digits",
		"=":         "an escape is = and two upper-case hex digits",
		"a=":        "an escape is = and two upper-case hex digits",
		"=2":        "an escape is = and two upper-case hex digits",
		"=2=2E":     "an escape is = and two upper-case hex digits",
		"=GG":       "an escape is = and two upper-case hex digits",
		"=61":       "byte 'a' must not be escaped",
		"=41bc":     "byte 'A' must not be escaped",
		"=30":       "byte '0' must not be escaped",
		"=5F":       "byte '_' must not be escaped",
		"=2D":       "byte '-' must not be escaped",
		"a.b":       "byte 0x2e must be escaped",
		"a b":       "byte 0x20 must be escaped",
		"*":         "byte 0x2a must be escaped",
		"é":         "byte 0xc3 must be escaped",
		"=FF":       "not valid UTF-8",
		"=C3":       "not valid UTF-8",
		"=ED=A0=80": "not valid UTF-8",
	} {
		if got, err := UnescapeToken(token); err == nil || err.Error() != want {
			t.Errorf("%q: got %q, %v, want %s", token, got, err, want)
		}
	}
}

func TestParseSubject(t *testing.T) {
	realm, client := strings.Repeat("é", 32), strings.Repeat("🔒", 32)
	for _, want := range []Address{
		{Realm: "default", Verb: VerbAcquire},
		{Realm: "default", Verb: VerbForce, Client: "worker-17", Named: true},
		{Realm: "shop.example", Verb: VerbKeepalive, Client: "*", Named: true},
		{Realm: "*", Verb: VerbList, Client: "a.b.c", Named: true},
		{Realm: realm, Verb: VerbList, Client: client, Named: true},
		{Realm: "\x00", Verb: VerbLeave},
	} {
		subject := RequestSubject(want.Realm, want.Verb, want.Client)
		if got, err := ParseSubject(subject); err != nil || got != want {
			t.Errorf("%q: got %+v, %v, want %+v", subject, got, err, want)
		}
	}
	for subject, want := range map[string]string{
		"":                              "subject: want lock.<realm>.<verb> or lock.<realm>.<verb>.<client>",
		"lock":                          "subject: want lock.<realm>.<verb> or lock.<realm>.<verb>.<client>",
		"lock.":                         "subject: want lock.<realm>.<verb> or lock.<realm>.<verb>.<client>",
		"lock.default":                  "subject: want lock.<realm>.<verb> or lock.<realm>.<verb>.<client>",
		"lockevent.default.acquire":     "subject: want lock.<realm>.<verb> or lock.<realm>.<verb>.<client>",
		"Lock.default.acquire":          "subject: want lock.<realm>.<verb> or lock.<realm>.<verb>.<client>",
		"lock..acquire":                 "realm: 0 bytes, want 1 to 64",
		"lock.default.":                 `verb: "" is none`,
		"lock.default.lock":             `verb: "lock" is none`,
		"lock.default.Acquire":          `verb: "Acquire" is none`,
		"lock.default.acquire.":         "client: 0 bytes, want 1 to 128",
		"lock.default.acquire.a.b":      "client: byte 0x2e must be escaped",
		"lock.default.acquire.=2e":      "client: an escape is = and two upper-case hex digits",
		"lock.shop=2eexample.acquire":   "realm: an escape is = and two upper-case hex digits",
		"lock.sho=70.acquire":           "realm: byte 'p' must not be escaped",
		"lock.=FF.acquire":              "realm: not valid UTF-8",
		"lock.a/b.acquire":              "realm: byte 0x2f must be escaped",
		"lock." + long(65) + ".acquire": "realm: 65 bytes, want 1 to 64",
		"lock.r.acquire." + long(129):   "client: 129 bytes, want 1 to 128",
		"lock." + EscapeToken(strings.Repeat("é", 33)) + ".acquire": "realm: 66 bytes, want 1 to 64",
	} {
		got, err := ParseSubject(subject)
		if message := refusal(t, err); message != want || got != (Address{}) {
			t.Errorf("%q: got %+v, %v, want %s", subject, got, err, want)
		}
	}
}

func TestParseSubjectAllocatesNothing(t *testing.T) {
	subject := RequestSubject("default", VerbAcquire, "worker-17")
	if n := testing.AllocsPerRun(100, func() { _, _ = ParseSubject(subject) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestSubjects(t *testing.T) {
	plain, named := RequestPatterns(VerbAcquire)
	for got, want := range map[string]string{
		RequestSubject("shop.example", VerbAcquire, ""):    "lock.shop=2Eexample.acquire",
		RequestSubject("shop.example", VerbRelease, "a b"): "lock.shop=2Eexample.release.a=20b",
		plain:                           "lock.*.acquire",
		named:                           "lock.*.acquire.*",
		EventSubject("*", EventGranted): "lockevent.=2A.granted",
		RealmEvents("shop.example"):     "lockevent.shop=2Eexample.*",
		AllEvents:                       "lockevent.>",
		AllRequests:                     "lock.>",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLockKeys(t *testing.T) {
	for _, name := range nastyTexts {
		key := LockKey("shop.example", name)
		realm, got, err := ParseLockKey(key)
		if err != nil || realm != "shop.example" || got != name {
			t.Errorf("%q: %q %q %v", key, realm, got, err)
		}
	}
	for key, want := range map[string]string{
		"":               "key: want <realm>.<name>",
		"a":              "key: want <realm>.<name>",
		".a":             "realm: 0 bytes, want 1 to 64",
		"a.":             "name: 0 bytes, want 1 to 512",
		"a.b.c":          "name: byte 0x2e must be escaped",
		"a.=2e":          "name: an escape is = and two upper-case hex digits",
		"=FF.a":          "realm: not valid UTF-8",
		"a." + long(513): "name: 513 bytes, want 1 to 512",
		long(65) + ".a":  "realm: 65 bytes, want 1 to 64",
	} {
		_, _, err := ParseLockKey(key)
		if got := refusal(t, err); got != want {
			t.Errorf("%.20q: got %v, want %s", key, err, want)
		}
	}
}

// The keys of a realm are those with its prefix, in an order that has nothing
// to do with the names'.
func TestLockKeysFitTheStore(t *testing.T) {
	longest := LockKey(strings.Repeat("🔒", 16), strings.Repeat("🔒", 128))
	if len(longest) > 3500 {
		t.Errorf("a key of %d bytes is too long for a subject", len(longest))
	}
	for _, c := range []byte(longest) {
		if !plain(c) && c != '=' && c != '.' {
			t.Errorf("byte %q in a key", c)
		}
	}
}

func TestErrorsSayTheirStatus(t *testing.T) {
	_, err := ParseSubject("lock..acquire")
	var refused *Error
	if !errors.As(err, &refused) || err.Error() != "invalid: realm: 0 bytes, want 1 to 64" {
		t.Errorf("got %v", err)
	}
	if verbs := Verbs(); len(verbs) != 9 || slices.ContainsFunc(verbs, func(v Verb) bool { return !v.Valid() }) {
		t.Errorf("got the verbs %v", verbs)
	}
}
