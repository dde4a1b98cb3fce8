package service_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// unharmed fails the test unless all is as before: one lock is held, and the
// worker answers.
func (s *system) unharmed(token uint64) {
	s.t.Helper()
	r := s.want(schema.StatusOK, &schema.List{})
	if len(r.Locks) != 1 || r.Locks[0].Name != "mine" || r.Locks[0].Holders[0].Token != token || len(r.Locks[0].Waiters) != 0 {
		s.t.Fatalf("the locks are %+v", r.Locks)
	}
	s.want(schema.StatusRenewed, &schema.Renew{Name: "mine", Token: token})
}

func text(n int, c string) string { return strings.Repeat(c, n) }

// hostileBodies are requests that make no sense, with the field that the
// refusal has to name.
var hostileBodies = []struct{ verb, body, field string }{
	{"acquire", `{"name":"` + text(5000, "x") + `"}`, "name"},
	{"acquire", `{"name":"` + text(513, "x") + `"}`, "name"},
	{"acquire", `{"name":""}`, "name"},
	{"acquire", `{"name":null}`, "name"},
	{"acquire", `{}`, "name"},
	{"acquire", ``, "name"},
	{"acquire", `null`, ""},
	{"acquire", `[]`, ""},
	{"acquire", `"name"`, ""},
	{"acquire", `7`, ""},
	{"acquire", `{"name":7}`, "name"},
	{"acquire", `{"name":["x"]}`, "name"},
	{"acquire", `{"name":{"x":1}}`, "name"},
	{"acquire", "{\"name\":\"\xff\xfe\"}", ""},
	{"acquire", "{\"name\":\"a\x00b\"}", ""},
	{"acquire", "{\"name\":\"a\nb\"}", ""},
	{"acquire", `{"name":"\ud800"}`, ""},
	{"acquire", `{"name":"\udc00\ud800"}`, ""},
	{"acquire", `{"name":"x"`, ""},
	{"acquire", `{"name":"x"}}`, ""},
	{"acquire", `{"name":"x",}`, ""},
	{"acquire", `{'name':'x'}`, ""},
	{"acquire", `{"name":"x"} {"name":"y"}`, ""},
	{"acquire", `{"name":"x","meta":` + text(5000, "[") + text(5000, "]") + `}`, ""},
	{"acquire", `{"name":"x","unknown":` + text(20000, `{"a":`) + `1` + text(20000, "}") + `}`, ""},
	{"acquire", `{"name":"x","meta":7}`, "meta"},
	{"acquire", `{"name":"x","meta":[1]}`, "meta"},
	{"acquire", `{"name":"x","ttl_ms":"30000"}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":1.5}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":9}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":0}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":-1}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":86400001}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":1e400}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":99999999999999999999999}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":true}`, "ttl_ms"},
	{"acquire", `{"name":"x","ttl_ms":[]}`, "ttl_ms"},
	{"acquire", `{"name":"x","wait_ms":-1}`, "wait_ms"},
	{"acquire", `{"name":"x","wait_ms":-2}`, "wait_ms"},
	{"acquire", `{"name":"x","wait_ms":86400001}`, "wait_ms"},
	{"acquire", `{"name":"x","wait_ms":"1"}`, "wait_ms"},
	{"acquire", `{"name":"x","mode":"exclusve"}`, "mode"},
	{"acquire", `{"name":"x","size":1}`, "size"},
	{"acquire", `{"name":"x","mode":"exclusive","size":1}`, "size"},
	{"acquire", `{"name":"x","mode":"shared","size":-1}`, "size"},
	{"acquire", `{"name":"x","mode":"shared","size":1000001}`, "size"},
	{"acquire", `{"name":"x","names":["y"]}`, "names"},
	{"acquire", `{"names":[]}`, "name"},
	{"acquire", `{"names":["x","x"]}`, "names"},
	{"acquire", `{"names":["x",""]}`, "names"},
	{"acquire", `{"names":["x",7]}`, "names"},
	{"acquire", `{"names":"x"}`, "names"},
	{"acquire", `{"names":["` + strings.Join(strings.Split(text(65, "x"), ""), `","`) + `"]}`, "names"},
	{"acquire", `{"name":"x","client":"` + text(129, "c") + `"}`, "client"},
	{"acquire", `{"name":"x","owner":"` + text(129, "c") + `"}`, "owner"},
	{"acquire", `{"name":"x","session":"` + text(129, "c") + `"}`, "session"},
	{"acquire", `{"name":"x","client":"c","request":"` + text(129, "c") + `"}`, "request"},
	{"acquire", `{"name":"x","request":"r"}`, "request"},
	{"release", `{"name":"mine"}`, "token"},
	{"release", `{"name":"mine","token":0}`, "token"},
	{"release", `{"name":"mine","token":-1}`, "token"},
	{"release", `{"name":"mine","token":9007199254740992}`, "token"},
	{"release", `{"name":"mine","token":18446744073709551616}`, "token"},
	{"release", `{"name":"mine","token":"300"}`, "token"},
	{"release", `{"name":"mine","token":300,"owner":"o"}`, "owner"},
	{"release", `{"token":300}`, "name"},
	{"release", `{"locks":[{"name":"mine"}]}`, "locks"},
	{"release", `{"locks":[{"token":300}]}`, "locks"},
	{"release", `{"locks":{"name":"mine"}}`, "locks"},
	{"release", `{"names":["mine"],"token":300}`, "token"},
	{"release", `{"names":["mine"]}`, "owner"},
	{"renew", `{"name":"mine"}`, "token"},
	{"renew", `{"name":"mine","token":300,"ttl_ms":5}`, "ttl_ms"},
	{"renew", `{"token":300}`, "name"},
	{"cancel", `{"name":"mine"}`, "client"},
	{"cancel", `{"name":"mine","client":"c"}`, "request"},
	{"cancel", `{"client":"c","request":"r"}`, "name"},
	{"inspect", `{}`, "name"},
	{"inspect", `{"name":"x","names":["y"]}`, "names"},
	{"list", `{"limit":0}`, "limit"},
	{"list", `{"limit":1001}`, "limit"},
	{"list", `{"limit":"7"}`, "limit"},
	{"list", `{"cursor":"` + text(1025, "c") + `"}`, "cursor"},
	{"list", `{"prefix":"` + text(513, "c") + `"}`, "prefix"},
	{"force", `{}`, "name"},
	{"force", `{"name":"mine","reason":"` + text(513, "c") + `"}`, "reason"},
	{"force", `{"name":"mine","token":1.5}`, "token"},
	{"acquire", `{"name":"x","meta":{"k":"` + text(64<<10, "x") + `"}}`, ""},
	// MessagePack: headers that claim more than there is.
	{"acquire", "\xdf\xff\xff\xff\xff", ""},
	{"acquire", "\xde\xff\xff", ""},
	{"acquire", "\x81\xa4name\xdb\xff\xff\xff\xff", ""},
	{"acquire", "\x81\xa5names\xdd\xff\xff\xff\xff", ""},
	{"acquire", "\x82\xa4name\xa1x\xa4meta\xdf\xff\xff\xff\xff", ""},
	{"acquire", "\x81\xa4name\xa2\xff\xfe", ""},
	{"acquire", "\x81\xa4name", ""},
	{"acquire", "\x81\xa4name\x07", "name"},
	{"acquire", "\x82\xa4name\xa1x\xa6ttl_ms\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", "ttl_ms"},
	{"acquire", "\x82\xa4name\xa1x\xa6ttl_ms\xa3100", "ttl_ms"},
	{"acquire", "\x82\xa4name\xa1x\xa1u" + text(30000, "\x91") + "\xc0", ""},
	{"acquire", "\x80", "name"},
}

func TestEveryHostileRequestIsRefusedAndHarmsNothing(t *testing.T) {
	s := start(t, t.TempDir())
	token := s.lock(&schema.Acquire{Name: "mine", Client: "me", TTL: ms(600_000)})
	for _, h := range hostileBodies {
		for _, subject := range []string{"lock.test." + h.verb, "lock.test." + h.verb + ".c"} {
			body := h.body
			named := strings.HasSuffix(subject, ".c")
			if named && (h.field == "client" || h.field == "request" && !strings.Contains(body, "client")) {
				continue // the subject gives the client
			}
			label := fmt.Sprintf("%s %.60q", subject, body)
			msg := s.raw(subject, "", []byte(body))
			var reply struct{ Status, Message string }
			if msg.Header.Get("Content-Type") == schema.MessagePack.ContentType() {
				r := new(schema.Reply)
				if err := schema.Decode(schema.MessagePack, msg.Data, r); err != nil {
					t.Errorf("%s: reply %q: %v", label, msg.Data, err)
				}
				reply.Status, reply.Message = string(r.Status), r.Message
			} else if err := json.Unmarshal(msg.Data, &reply); err != nil {
				t.Errorf("%s: reply %q: %v", label, msg.Data, err)
			}
			if reply.Status != "invalid" || !strings.Contains(reply.Message, h.field) || reply.Message == "" {
				t.Errorf("%s: %+v, want invalid and the field %q", label, reply, h.field)
			}
			if msg.Header.Get("Nats-Service-Error-Code") != "invalid" || len(msg.Header.Get("Nats-Service-Error")) > 600 {
				t.Errorf("%s: headers %q", label, msg.Header)
			}
		}
	}
	s.unharmed(token)
}

func TestHostileSubjectsAreRefused(t *testing.T) {
	s := start(t, t.TempDir())
	token := s.lock(&schema.Acquire{Name: "mine", TTL: ms(600_000)})
	body := []byte(`{"name":"mine"}`)
	for _, subject := range []string{
		"lock.te=2est.force", "lock.te=7A.force", "lock.=.force", "lock.te=7.force", "lock.a=2e.force", "lock.a=61.force",
		"lock." + text(65, "x") + ".force", "lock.é.force", "lock.a=FF.force", "lock.test.force.=41", "lock.test.force." + text(129, "x"),
	} {
		var reply struct{ Status, Message string }
		msg := s.raw(subject, "", body)
		if err := json.Unmarshal(msg.Data, &reply); err != nil || reply.Status != "invalid" {
			t.Errorf("%s: %q, %v", subject, msg.Data, err)
		}
	}
	for _, subject := range []string{"lock.test.nonsense", "lock.test", "lock.test.force.a.b"} {
		p := s.listen()
		if err := s.nc.PublishRequest(subject, p.sub.Subject, body); err != nil {
			t.Fatal(err)
		}
		if _, err := p.sub.NextMsg(time.Second); !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("%s: %v", subject, err)
		}
	}
	s.unharmed(token)
}

// Names are any text: none of these is special, and each is a lock of its own.
func TestAnyTextIsAName(t *testing.T) {
	s := start(t, t.TempDir())
	names := []string{
		"*", ">", "a.b", ".", "..", "$KV.natslock_locks.x", "a b", "\n", "\x00", "=", "=2A", "🔒", "é", "e\u0301",
		text(512, "x"), text(128, "🔒"), "\u2028", "../../etc", "a\tb", `"`, `\`, "%s",
	}
	tokens := make([]uint64, len(names))
	for i, name := range names {
		tokens[i] = s.lock(&schema.Acquire{Name: name, Client: name[:min(len(name), 4)], Owner: "o"})
	}
	r := s.want(schema.StatusOK, &schema.List{})
	if len(r.Locks) != len(names) {
		t.Errorf("%d locks are listed, %d are held", len(r.Locks), len(names))
	}
	for i, name := range names {
		if got := s.state(name); got.Name != name || got.Holders[0].Token != tokens[i] {
			t.Errorf("%q: %+v", name, got)
		}
		s.unlock(name, tokens[i])
	}
}

// A reply goes nowhere but to an inbox: a worker may publish where its callers
// may not.
func TestAHostileReplySubjectIsNotAnswered(t *testing.T) {
	s := start(t, t.TempDir())
	token := s.lock(&schema.Acquire{Name: "mine", TTL: ms(600_000)})
	subjects := []string{
		"$KV.natslock_locks.x", "$KV.natslock_locks.test.mine", "$JS.API.STREAM.DELETE.KV_natslock_locks",
		"$JS.API.STREAM.PURGE.KV_natslock_locks", "$NATSLOCK.undo.x", "$NATSLOCK.inbox.x", "$SRV.PING", "$SYS.REQ.SERVER.PING",
		"lock.test.acquire", "lock.test.force", "lockevent.test.granted", "lock", text(513, "x"), text(3000, "x"),
	}
	for _, subject := range subjects {
		for _, m := range []schema.Message{
			&schema.Acquire{Name: "x"}, &schema.Acquire{Name: "mine", Wait: 1000}, &schema.Acquire{Names: []string{"x", "y"}},
			&schema.Acquire{Name: "mine"}, &schema.List{}, &schema.Inspect{Name: "mine"}, &schema.Release{Name: "mine", Token: 300},
		} {
			if err := s.nc.PublishRequest("lock.test."+string(verbOf(m)), subject, schema.Append(nil, schema.JSON, m)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.nc.PublishRequest("$SRV.PING", subject, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.unharmed(token)
	for _, key := range []string{"x", "test.x", "test.y"} {
		if e, err := s.store.Load(t.Context(), key); err != nil || e.Revision != 0 {
			t.Errorf("%s is at %d with %q, %v", key, e.Revision, e.Value, err)
		}
	}
}

// A caller sees where its grant comes back to when nobody hears it, but can do
// nothing with that to another's hold.
func TestAForgedUndoUndoesNothing(t *testing.T) {
	inBubble(t, func(b *bubble) {
		mine := b.send(&schema.Acquire{Name: "mine", Client: "me", Request: "r"})
		undo := mine.message().Reply
		if undo == "" {
			b.t.Fatal("a grant has no reply subject")
		}
		yours := b.send(&schema.Acquire{Name: "yours", Client: "you", Request: "r"})
		tokens := strings.Split(yours.message().Reply, ".")
		guessed := append([]string(nil), tokens...)
		guessed[len(guessed)-3] = "1" // all is right but the proof
		forged := append(strings.Split(undo, ".")[:len(tokens)-2], tokens[len(tokens)-2:]...)
		subjects := []string{
			strings.Join(forged, "."),
			strings.Join(guessed, "."),
			strings.Replace(undo, "mine", "yours", 1),
			undo[:len(undo)-len("test.mine")] + "nonsense",
			undo[:len(undo)-len("test.mine")],
			undo + ".more",
			strings.Join(append(strings.Split(undo, ".")[:3], "x", "y", "z", "test", "mine"), "."),
			strings.Join(append(strings.Split(undo, ".")[:3], "1"), "."),
		}
		for _, subject := range subjects {
			msg := &nats.Msg{Subject: strings.TrimSuffix(subject, "."), Header: nats.Header{}}
			msg.Header.Set("Status", "503")
			if err := b.nc.PublishMsg(msg); err != nil {
				b.t.Fatal(err)
			}
		}
		b.settle()
		b.wantHolders("mine", "me")
		b.wantHolders("yours", "you")
	})
}

func TestAFloodOfHostileRequestsCostsLittleMemory(t *testing.T) {
	inBubble(t, func(b *bubble) {
		var before, after runtime.MemStats
		body := []byte("\xdf\xff\xff\xff\xff" + text(1000, "\x80"))
		p := b.listen()
		runtime.ReadMemStats(&before)
		for range 200 {
			if err := b.nc.PublishRequest("lock.test.acquire", p.sub.Subject, body); err != nil {
				b.t.Fatal(err)
			}
			p.want(schema.StatusInvalid)
		}
		runtime.ReadMemStats(&after)
		if got := (after.TotalAlloc - before.TotalAlloc) / 200; got > 100_000 {
			t.Errorf("%d bytes were allocated for each", got)
		}
	})
}
