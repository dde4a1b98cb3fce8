package schema

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
)

func long(n int) string { return strings.Repeat("x", n) }

func distinct(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("lock ", i)
	}
	return names
}

// refusedRequests has every rule, with the message of its refusal.
var refusedRequests = []struct {
	r    Request
	want string
}{
	{&Acquire{}, "name: required, or names"},
	{&Acquire{Names: []string{}}, "name: required, or names"},
	{&Acquire{Name: "a", Names: []string{"b"}}, "names: give name or names, not both"},
	{&Acquire{Name: long(513)}, "name: 513 bytes, at most 512"},
	{&Acquire{Name: strings.Repeat("🔒", 129)}, "name: 516 bytes, at most 512"},
	{&Acquire{Name: long(5000)}, "name: 5000 bytes, at most 512"},
	{&Acquire{Name: "a\xff"}, "name: not valid UTF-8"},
	{&Acquire{Names: distinct(65)}, "names: more than 64"},
	{&Acquire{Names: []string{"a", ""}}, "names[1]: required"},
	{&Acquire{Names: []string{"a", long(513)}}, "names[1]: 513 bytes, at most 512"},
	{&Acquire{Names: []string{"a", "\xc0"}}, "names[1]: not valid UTF-8"},
	{&Acquire{Names: []string{"a", "b", "a"}}, "names[2]: the same as names[0]"},
	{&Acquire{Name: "a", Client: long(129)}, "client: 129 bytes, at most 128"},
	{&Acquire{Name: "a", Client: "\xff"}, "client: not valid UTF-8"},
	{&Acquire{Name: "a", Owner: long(129)}, "owner: 129 bytes, at most 128"},
	{&Acquire{Name: "a", Owner: "\xff"}, "owner: not valid UTF-8"},
	{&Acquire{Name: "a", Session: long(129)}, "session: 129 bytes, at most 128"},
	{&Acquire{Name: "a", Session: "\xff"}, "session: not valid UTF-8"},
	{&Acquire{Name: "a", Session: "/"}, "session: want a presence P, or a leaf P/L of it"},
	{&Acquire{Name: "a", Session: "/leaf"}, "session: want a presence P, or a leaf P/L of it"},
	{&Acquire{Name: "a", Session: "s/"}, "session: want a presence P, or a leaf P/L of it"},
	{&Acquire{Name: "a", Request: "r"}, "request: needs a client"},
	{&Acquire{Name: "a", Client: "c", Request: long(129)}, "request: 129 bytes, at most 128"},
	{&Acquire{Name: "a", Client: "c", Request: "\xff"}, "request: not valid UTF-8"},
	{&Acquire{Name: "a", Mode: "read"}, "mode: want exclusive or shared"},
	{&Acquire{Name: "a", Mode: "Shared"}, "mode: want exclusive or shared"},
	{&Acquire{Name: "a", Size: 2}, "size: is for the mode shared"},
	{&Acquire{Name: "a", Mode: ModeExclusive, Size: 1}, "size: is for the mode shared"},
	{&Acquire{Name: "a", Mode: ModeShared, Size: -1}, "size: want 0 to 1000000, got -1"},
	{&Acquire{Name: "a", Mode: ModeShared, Size: MaxSize + 1}, "size: want 0 to 1000000, got 1000001"},
	{&Acquire{Name: "a", TTL: pointer[int64](0)}, "ttl_ms: 0 needs a session"},
	{&Acquire{Name: "a", TTL: pointer[int64](9)}, "ttl_ms: want 10 to 86400000, got 9"},
	{&Acquire{Name: "a", TTL: pointer[int64](-1)}, "ttl_ms: want 10 to 86400000, got -1"},
	{&Acquire{Name: "a", TTL: pointer[int64](86_400_001)}, "ttl_ms: want 10 to 86400000, got 86400001"},
	{&Acquire{Name: "a", Wait: -1}, "wait_ms: -1 needs a session"},
	{&Acquire{Name: "a", Session: "s", Wait: -2}, "wait_ms: want 0 to 86400000, got -2"},
	{&Acquire{Name: "a", Wait: 86_400_001}, "wait_ms: want 0 to 86400000, got 86400001"},
	{&Acquire{Name: "a", Fresh: true, Wait: 1}, "fresh: is for one name, and without wait_ms"},
	{&Acquire{Names: []string{"a"}, Fresh: true}, "fresh: is for one name, and without wait_ms"},

	{&Release{Names: []string{"a"}, Owner: "o", Show: true}, "show: is for one name"},
	{&Release{Locks: []LockToken{{"a", 256}}, Show: true}, "show: is for one name"},
	{&Release{Names: []string{"a"}, Owner: "o", Forget: "r"}, "forget: is for one name"},
	{&Release{Name: "a", Owner: "o", Forget: "r"}, "forget: needs a client, as the request that it names"},
	{&Release{Name: "a", Client: "c", Owner: "o", Forget: long(129)}, "forget: 129 bytes, at most 128"},
	{&Release{}, "name: required, or names"},
	{&Release{Token: 256}, "name: required, or names"},
	{&Release{Name: "a"}, "token: required, or owner"},
	{&Release{Name: "a", Token: 256, Owner: "o"}, "owner: give token or owner, not both"},
	{&Release{Name: "a", Names: []string{"b"}, Owner: "o"}, "names: give name or names, not both"},
	{&Release{Name: long(513), Token: 256}, "name: 513 bytes, at most 512"},
	{&Release{Name: "a", Token: 1 << 53}, "token: 9007199254740992, at most 9007199254740991"},
	{&Release{Names: []string{"a"}}, "owner: required with names"},
	{&Release{Names: []string{"a"}, Token: 256}, "token: is for one name; with names give owner, or give locks"},
	{&Release{Names: []string{"a"}, Token: 256, Owner: "o"}, "token: is for one name; with names give owner, or give locks"},
	{&Release{Names: distinct(65), Owner: "o"}, "names: more than 64"},
	{&Release{Names: []string{"a", ""}, Owner: "o"}, "names[1]: required"},
	{&Release{Name: "b", Locks: []LockToken{{"a", 256}}}, "locks: give name, names or locks, one of them"},
	{&Release{Names: []string{"b"}, Locks: []LockToken{{"a", 256}}}, "locks: give name, names or locks, one of them"},
	{&Release{Token: 256, Locks: []LockToken{{"a", 256}}}, "token: give token or locks, not both"},
	{&Release{Owner: "o", Locks: []LockToken{{"a", 256}}}, "owner: give owner or locks, not both"},
	{&Release{Locks: []LockToken{{"a", 256}, {"", 256}}}, "locks[1].name: required"},
	{&Release{Locks: []LockToken{{long(513), 256}}}, "locks[0].name: 513 bytes, at most 512"},
	{&Release{Locks: []LockToken{{"a", 0}}}, "locks[0].token: required"},
	{&Release{Locks: []LockToken{{"a", 1 << 53}}}, "locks[0].token: 9007199254740992, at most 9007199254740991"},
	{&Release{Locks: make([]LockToken, 65)}, "locks: more than 64"},
	{&Release{Name: "a", Owner: long(129)}, "owner: 129 bytes, at most 128"},
	{&Release{Name: "a", Token: 256, Client: long(129)}, "client: 129 bytes, at most 128"},
	{&Release{Name: "a", Token: 256, Session: "/x"}, "session: want a presence P, or a leaf P/L of it"},

	{&Renew{Token: 256}, "name: required"},
	{&Renew{Name: long(513), Token: 256}, "name: 513 bytes, at most 512"},
	{&Renew{Name: "a"}, "token: required"},
	{&Renew{Name: "a", Token: 1 << 53}, "token: 9007199254740992, at most 9007199254740991"},
	{&Renew{Name: "a", Token: 256, Client: long(129)}, "client: 129 bytes, at most 128"},
	{&Renew{Name: "a", Token: 256, TTL: pointer[int64](1)}, "ttl_ms: want 10 to 86400000, got 1"},
	{&Renew{Name: "a", Token: 256, TTL: pointer[int64](1 << 62)}, "ttl_ms: want 10 to 86400000, got 4611686018427387904"},

	{&Cancel{Client: "c", Request: "r"}, "name: required"},
	{&Cancel{Name: "a", Request: "r"}, "client: required"},
	{&Cancel{Name: "a", Client: "c"}, "request: required"},
	{&Cancel{Name: long(513), Client: "c", Request: "r"}, "name: 513 bytes, at most 512"},
	{&Cancel{Name: "a", Client: long(129), Request: "r"}, "client: 129 bytes, at most 128"},
	{&Cancel{Name: "a", Client: "c", Request: long(129)}, "request: 129 bytes, at most 128"},

	{&Inspect{}, "name: required, or names"},
	{&Inspect{Name: "a", Names: []string{"b"}}, "names: give name or names, not both"},
	{&Inspect{Names: distinct(257)}, "names: more than 256"},
	{&Inspect{Names: []string{""}}, "names[0]: required"},
	{&Inspect{Name: "a", Client: long(129)}, "client: 129 bytes, at most 128"},

	{&List{Prefix: long(513)}, "prefix: 513 bytes, at most 512"},
	{&List{Prefix: "\xff"}, "prefix: not valid UTF-8"},
	{&List{Holder: long(129)}, "holder: 129 bytes, at most 128"},
	{&List{Session: "s/"}, "session: want a presence P, or a leaf P/L of it"},
	{&List{Client: long(129)}, "client: 129 bytes, at most 128"},
	{&List{Limit: pointer[int64](0)}, "limit: want 1 to 1000, got 0"},
	{&List{Limit: pointer[int64](1001)}, "limit: want 1 to 1000, got 1001"},
	{&List{Limit: pointer[int64](-1)}, "limit: want 1 to 1000, got -1"},
	{&List{Cursor: long(1025)}, "cursor: 1025 bytes, at most 1024"},

	{&Keepalive{}, "session: required"},
	{&Keepalive{Session: "s/leaf"}, "session: want a presence, got a leaf of it"},
	{&Keepalive{Session: "/leaf"}, "session: want a presence, got a leaf of it"},
	{&Keepalive{Session: "s/"}, "session: want a presence P, or a leaf P/L of it"},
	{&Keepalive{Session: long(129)}, "session: 129 bytes, at most 128"},
	{&Keepalive{Session: "s", Client: long(129)}, "client: 129 bytes, at most 128"},
	{&Keepalive{Session: "s", TTL: pointer[int64](999)}, "ttl_ms: want 1000 to 300000, got 999"},
	{&Keepalive{Session: "s", TTL: pointer[int64](0)}, "ttl_ms: want 1000 to 300000, got 0"},
	{&Keepalive{Session: "s", TTL: pointer[int64](300_001)}, "ttl_ms: want 1000 to 300000, got 300001"},
	{&Keepalive{Session: "s", Server: long(129), CID: pointer[uint64](1)}, "server: 129 bytes, at most 128"},
	{&Keepalive{Session: "s", Server: "N"}, "cid: required with server"},
	{&Keepalive{Session: "s", CID: pointer[uint64](1)}, "server: required with cid"},
	{&Keepalive{Session: "s", Grace: pointer[int64](-1)}, "grace_ms: want 0 to 60000, got -1"},
	{&Keepalive{Session: "s", Grace: pointer[int64](60_001)}, "grace_ms: want 0 to 60000, got 60001"},
	{&Keepalive{Session: "s", Epoch: 1 << 53}, "epoch: 9007199254740992, at most 9007199254740991"},
	{&Keepalive{Session: "s", N: 1 << 53}, "n: 9007199254740992, at most 9007199254740991"},

	{&Leave{}, "session: required"},
	{&Leave{Session: "s/"}, "session: want a presence P, or a leaf P/L of it"},
	{&Leave{Session: long(129)}, "session: 129 bytes, at most 128"},
	{&Leave{Session: "s", Client: long(129)}, "client: 129 bytes, at most 128"},
	{&Leave{Session: "s", Epoch: 1 << 53}, "epoch: 9007199254740992, at most 9007199254740991"},

	{&Force{}, "name: required"},
	{&Force{Name: long(513)}, "name: 513 bytes, at most 512"},
	{&Force{Name: "a", Client: long(129)}, "client: 129 bytes, at most 128"},
	{&Force{Name: "a", Token: 1 << 53}, "token: 9007199254740992, at most 9007199254740991"},
	{&Force{Name: "a", Reason: long(513)}, "reason: 513 bytes, at most 512"},
}

func TestValidateNamesTheFieldAndWhatIsWrong(t *testing.T) {
	for _, c := range refusedRequests {
		err := c.r.Validate()
		if err == nil {
			t.Errorf("%T %.200v is valid, want %q", c.r, c.r, c.want)
			continue
		}
		if got := refusal(t, err); got != c.want {
			t.Errorf("%T %.200v:\n got %s\nwant %s", c.r, c.r, got, c.want)
		}
	}
}

func TestValidateLetsEverythingElsePass(t *testing.T) {
	for _, name := range append(nastyTexts, "../..", "\u202e", "ﷺ") {
		for _, r := range []Request{
			&Acquire{Name: name}, &Acquire{Names: []string{name}}, &Release{Name: name, Token: 1},
			&Release{Locks: []LockToken{{name, MaxToken}}}, &Inspect{Name: name}, &Force{Name: name}, &List{Prefix: name},
		} {
			if err := r.Validate(); err != nil {
				t.Errorf("%T of %q: %v", r, name, err)
			}
		}
	}
	for _, r := range []Request{
		&Acquire{Name: long(512), Client: long(128), Owner: long(128), Session: long(126) + "/x", Request: long(128)},
		&Acquire{Names: distinct(64)},
		&Acquire{Name: "a", Mode: ModeExclusive, TTL: pointer[int64](10), Wait: MaxWait},
		&Acquire{Name: "a", Mode: ModeShared, Size: MaxSize, TTL: pointer[int64](MaxTTL)},
		&Acquire{Name: "a", Mode: ModeShared, Session: "s", TTL: pointer[int64](0), Wait: WaitForever},
		&Acquire{Name: "a", Session: "s/a/b"},
		&Release{Name: "a", Owner: "o"},
		&Release{Names: []string{"a", "a"}, Owner: "o", Session: "s"},
		&Release{Locks: make64(), Session: "s/leaf"},
		&Renew{Name: "a", Token: 1, TTL: pointer[int64](0)},
		&Renew{Name: "a", Token: MaxToken},
		&Cancel{Name: "a", Client: "c", Request: "r"},
		&Inspect{Names: distinct(256)},
		&Inspect{Names: []string{"a", "a"}},
		&List{},
		&List{Limit: pointer[int64](1000), Cursor: long(1024), Holder: "c", Session: "s/leaf"},
		&Keepalive{Session: "s"},
		&Keepalive{Session: "s", TTL: pointer[int64](1000), Grace: pointer[int64](0), Server: "N", CID: pointer[uint64](0), Epoch: MaxToken, N: MaxToken},
		&Leave{Session: "s"},
		&Leave{Session: "s/leaf"},
		&Leave{Session: "s", Epoch: MaxToken},
		&Force{Name: "a", Token: MaxToken, Reason: long(512)},
	} {
		if err := r.Validate(); err != nil {
			t.Errorf("%T %.200v: %v", r, r, err)
		}
	}
}

func make64() []LockToken {
	locks := make([]LockToken, 64)
	for i := range locks {
		locks[i] = LockToken{"a", uint64(i + 1)}
	}
	return locks
}

func TestATooLongMetaIsLimit(t *testing.T) {
	fits := mustMeta(`{"a":"` + long(MaxMeta-len(`{"a":""}`)) + `"}`)
	if err := (&Acquire{Name: "a", Meta: fits}).Validate(); err != nil {
		t.Error(err)
	}
	var a Acquire
	body := `{"name":"a","meta": { "a": "` + long(MaxMeta+1-len(`{"a":""}`)) + `" } }`
	if err := Decode(JSON, []byte(body), &a); err != nil {
		t.Fatal(err)
	}
	var refused *Error
	if err := a.Validate(); !errors.As(err, &refused) || refused.Status != StatusLimit || refused.Message != "meta: 4097 bytes, at most 4096" {
		t.Errorf("got %v", err)
	}
}

func TestEveryVerbHasARequest(t *testing.T) {
	for _, v := range Verbs() {
		if got := reflect.TypeOf(NewRequest(v)).Elem().Name(); !strings.EqualFold(got, string(v)) {
			t.Errorf("%s: %s", v, got)
		}
	}
	if NewRequest("lock") != nil {
		t.Error("there is a request for the verb lock")
	}
}

func TestSplitSession(t *testing.T) {
	for session, want := range map[string][2]string{"": {"", ""}, "p": {"p", ""}, "p/l": {"p", "l"}, "p/l/m": {"p", "l/m"}} {
		if presence, leaf := SplitSession(session); presence != want[0] || leaf != want[1] {
			t.Errorf("%q: %q %q", session, presence, leaf)
		}
	}
}

func TestStatuses(t *testing.T) {
	type class struct{ ok, fault bool }
	want := map[Status]class{
		StatusGranted: {true, false}, StatusAlready: {true, false}, StatusReleased: {true, false}, StatusKept: {true, false},
		StatusRenewed: {true, false}, StatusCanceled: {true, false}, StatusOK: {true, false},
		StatusHeld: {false, false}, StatusTimeout: {false, false}, StatusNotHeld: {false, false},
		StatusSizeMismatch: {false, true}, StatusSessionExpired: {false, true}, StatusLimit: {false, true}, StatusInvalid: {false, true},
		StatusDenied: {false, true}, StatusUnavailable: {false, true}, StatusInternal: {false, true},
	}
	for s, c := range want {
		if !s.Valid() || s.OK() != c.ok || s.Fault() != c.fault {
			t.Errorf("%s: valid %t, ok %t, fault %t", s, s.Valid(), s.OK(), s.Fault())
		}
	}
	for _, s := range []Status{"", "Granted", "error"} {
		if s.Valid() || s.OK() || s.Fault() {
			t.Errorf("%q is a status", s)
		}
	}
	if Verb("lock").Valid() || Mode("").Valid() || EventType("locked").Valid() || !EventOrphaned.Valid() || !ModeShared.Valid() {
		t.Error("the words of a closed set are not the valid ones")
	}
}
