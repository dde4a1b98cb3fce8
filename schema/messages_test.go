package schema

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"time"
)

// newMessages are the empty messages of every type, by name.
var newMessages = map[string]func() Message{
	"acquire":   func() Message { return new(Acquire) },
	"release":   func() Message { return new(Release) },
	"renew":     func() Message { return new(Renew) },
	"cancel":    func() Message { return new(Cancel) },
	"inspect":   func() Message { return new(Inspect) },
	"list":      func() Message { return new(List) },
	"keepalive": func() Message { return new(Keepalive) },
	"leave":     func() Message { return new(Leave) },
	"force":     func() Message { return new(Force) },
	"reply":     func() Message { return new(Reply) },
	"event":     func() Message { return new(Event) },
}

func mustMeta(text string) Meta {
	m, err := ParseMeta([]byte(text))
	if err != nil {
		panic(err)
	}
	return m
}

var noon = time.Date(2026, 3, 4, 12, 0, 0, 7_000_000, time.UTC)

// samples are messages with every field set at least once, and some as they
// mostly are.
var samples = map[string]Message{
	"acquire": &Acquire{
		Name: "orders/4711", Client: "worker-17", Owner: "job 9", Session: "s1/leaf", Request: "r1",
		Mode: ModeShared, Size: 3, TTL: pointer[int64](30_000), Wait: 60_000,
		Meta: mustMeta(`{"host":"a.example","pid":4711,"tags":["x",null,true,-1,0.5]}`),
	},
	"acquire_names":   &Acquire{Names: []string{"a.b", "*", ">", "\x00", "Straße 🔒\n"}, Session: "s1", TTL: pointer[int64](0), Wait: WaitForever},
	"acquire_typical": typicalAcquire,
	"release_token":   &Release{Name: "a", Client: "c", Token: MaxToken, Session: "s1"},
	"acquire_fresh":   &Acquire{Name: "a", Client: "c", Owner: "o", Fresh: true},
	"release_show":    &Release{Name: "a", Client: "c", Owner: "o", Session: "s1", Show: true},
	"release_forget":  &Release{Name: "a", Client: "c", Token: 300, Forget: "r1"},
	"release_owner":   &Release{Names: []string{"a", "b"}, Client: "c", Owner: "o"},
	"release_locks":   &Release{Locks: []LockToken{{"a", 1}, {"b", 1 << 40}}},
	"renew":           &Renew{Name: "a", Client: "c", Token: 300, TTL: pointer[int64](86_400_000)},
	"cancel":          &Cancel{Name: "a", Client: "c", Request: "r1"},
	"inspect":         &Inspect{Name: "a", Client: "c"},
	"inspect_names":   &Inspect{Names: []string{"a", "b"}},
	"list":            &List{Prefix: "orders/", Holder: "c", Session: "s1", Client: "d", Limit: pointer[int64](10), Cursor: "b3JkZXJz"},
	"list_all":        &List{},
	"list_sessions":   &List{Holder: "c", Sessions: true},
	"keepalive": &Keepalive{
		Session: "s1", Client: "c", TTL: pointer[int64](10_000), Create: true, Server: "NDQ2X", CID: pointer[uint64](17),
		Grace: pointer[int64](0), Epoch: 268_435_456_001, N: 9,
	},
	"leave":         &Leave{Session: "s1/leaf", Client: "c"},
	"leave_epoch":   &Leave{Session: "s1", Epoch: 268_435_456_001},
	"force":         &Force{Name: "a", Client: "admin", Token: 300, Reason: "host is gone"},
	"reply_granted": typicalReply,
	"reply_names":   &Reply{Status: StatusGranted, Owner: "o", TTL: pointer[int64](0), Count: pointer[int64](1), Locks: []LockState{{Name: "a", Token: 256}, {Name: "b", Token: 513}}},
	"reply_held":    &Reply{Status: StatusHeld, Message: "somebody else has it", Name: "a", Holders: []Holder{{Owner: "o", Client: "c", Token: 256}}},
	"reply_release": &Reply{Status: StatusOK, Locks: []LockState{{Name: "a", Status: StatusReleased}, {Name: "b", Status: StatusNotHeld}}},
	"reply_inspect": &Reply{Status: StatusOK, Cursor: "YQ", Locks: []LockState{{
		Name: "a", Held: pointer(true), Mode: ModeShared, Size: 3,
		Holders: []Holder{{
			Owner: "o", Client: "c", Sessions: []string{"s1", "s2/leaf"}, Token: 256, TTL: 30_000,
			ExpiresIn: pointer[int64](0), GrantedAt: noon, Meta: mustMeta(`{"a":{"b":[{}]}}`),
		}},
		Waiters: []Waiter{{Owner: "p", Client: "d", Session: "s3", Mode: ModeExclusive, QueuedAt: noon, Meta: mustMeta(`{"n":18446744073709551615}`)}},
	}, {Name: "b", Held: pointer(false)}}},
	"reply_empty":     &Reply{Status: StatusOK, Locks: []LockState{}},
	"reply_keepalive": &Reply{Status: StatusOK, TTL: pointer[int64](10_000), Epoch: 268_435_456_001},
	"reply_sessions": &Reply{Status: StatusOK, Cursor: "bnM", Sessions: []SessionState{
		{Session: "s", Client: "c", TTL: 10_000, Grace: 2_000, ExpiresIn: pointer[int64](7_000), Holds: 3, Waiters: 1, OpenedAt: noon},
		{Session: "t", ExpiresIn: pointer[int64](0)},
	}},
	"event_released": typicalEvent,
	"event_queued":   &Event{Type: EventQueued, Realm: "r", Name: "a", Mode: ModeShared, Waited: pointer[int64](0), At: noon},
}

func sampleOf(name string) Message {
	kind, _, _ := strings.Cut(name, "_")
	return newMessages[kind]()
}

// nastyTexts are texts that a codec may stumble over.
var nastyTexts = []string{
	"a", "\x00", "*", ">", "a.b", "\n\r\t\b\f", `"\/`, "\u2028", "\u007f", "é", "🔒", "\uFFFD", "\U0010FFFF", "=2E", " ", "null",
	strings.Repeat("x", 31), strings.Repeat("x", 32), strings.Repeat("é", 128), strings.Repeat("🔒", 128), strings.Repeat("\x01", 512),
}

var nastyMetas = []string{
	`{"a":1}`, `{"":""}`, `{"a":{"a":{"a":[[[]]]}}}`, `{"a":-9223372036854775808,"b":18446744073709551615}`, `{"a":0.1,"b":1e300,"c":-1e-7}`,
	`{"\u0000":"\u0000","🔒":"🔒"}`, `{"a":true,"b":false,"c":null,"d":{},"e":[]}`,
	`{"l":[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]}`,
	`{"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"i":0,"j":0,"k":0,"l":0,"m":0,"n":0,"o":0,"p":0,"q":0}`,
}

// fill sets about half of the fields of a struct to random values, of which
// zero is none but where a pointer says so.
func fill(r *rand.Rand, v reflect.Value) {
	switch p := v.Addr().Interface().(type) {
	case *time.Time:
		*p = time.UnixMilli(r.Int64N(253_402_300_800_000)).UTC()
		return
	case *Meta:
		*p = mustMeta(nastyMetas[r.IntN(len(nastyMetas))])
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if r.IntN(2) == 0 {
				fill(r, v.Field(i))
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		if r.IntN(3) > 0 {
			fill(r, v.Elem())
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+r.IntN(20), 20))
		for i := range v.Len() {
			fill(r, v.Index(i))
		}
	case reflect.String:
		v.SetString(nastyTexts[r.IntN(len(nastyTexts))])
	case reflect.Int64:
		v.SetInt(int64(r.Uint64()) >> r.IntN(64))
	case reflect.Uint64:
		v.SetUint(r.Uint64() >> r.IntN(64))
	case reflect.Bool:
		v.SetBool(true)
	default:
		panic(fmt.Sprint("no random ", v.Type()))
	}
}
