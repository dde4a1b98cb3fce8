package service_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// raw sends bytes as they are, and returns the reply as it came.
func (c *caller) raw(subject, contentType string, body []byte) *nats.Msg {
	c.t.Helper()
	p := c.listen()
	msg := &nats.Msg{Subject: subject, Reply: p.sub.Subject, Data: body, Header: nats.Header{}}
	if contentType != "" {
		msg.Header.Set("Content-Type", contentType)
	}
	if err := c.nc.PublishMsg(msg); err != nil {
		c.t.Fatal(err)
	}
	return p.message()
}

func TestTheReplyIsEncodedAsTheRequestWas(t *testing.T) {
	inBubble(t, func(b *bubble) {
		m := &schema.Acquire{Name: "a", Client: "x", Request: "r"}
		packed, text := schema.Append(nil, schema.MessagePack, m), schema.Append(nil, schema.JSON, m)
		for _, test := range []struct {
			name, contentType string
			body              []byte
			want              schema.Encoding
		}{
			{"MessagePack by header", "application/msgpack", packed, schema.MessagePack},
			{"MessagePack by its first byte", "", packed, schema.MessagePack},
			{"JSON by header", "application/json", text, schema.JSON},
			{"JSON by default", "", text, schema.JSON},
		} {
			msg := b.raw("lock.test.acquire", test.contentType, test.body)
			if got := msg.Header.Get("Content-Type"); got != test.want.ContentType() {
				t.Errorf("%s: replied in %q", test.name, got)
			}
			r := new(schema.Reply)
			if err := schema.Decode(test.want, msg.Data, r); err != nil || r.Status != schema.StatusGranted {
				t.Errorf("%s: %v, %+v", test.name, err, r)
			}
		}
	})
}

// A waiter is answered as it asked, however the one asked that lets it in.
func TestAWaiterIsAnsweredInItsOwnEncoding(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "a"})
		text := b.connect()
		text.encoding = schema.JSON
		one := text.send(&schema.Acquire{Name: "a", Wait: 60_000})
		several := text.send(&schema.Acquire{Names: []string{"a", "b"}, Wait: 60_000})
		b.settle()
		b.unlock("a", token)
		msg := one.message()
		var reply struct {
			Status, Name string
			Token        uint64
		}
		if err := json.Unmarshal(msg.Data, &reply); err != nil || reply.Status != "granted" || reply.Name != "a" {
			t.Errorf("%q: %v", msg.Data, err)
		}
		b.unlock("a", reply.Token)
		msg = several.message()
		if err := json.Unmarshal(msg.Data, &reply); err != nil || reply.Status != "granted" {
			t.Errorf("%q: %v", msg.Data, err)
		}
	})
}

func TestFaultsCarryTheServiceErrorHeaders(t *testing.T) {
	inBubble(t, func(b *bubble) {
		b.lock(&schema.Acquire{Name: "a", Client: "x"})
		for _, test := range []struct {
			subject, body string
			want          schema.Status
			fault         bool
		}{
			{"lock.test.acquire", `{"name":"b"}`, schema.StatusGranted, false},
			{"lock.test.acquire", `{"name":"a"}`, schema.StatusHeld, false},
			{"lock.test.acquire", `{"name":"a","wait_ms":1}`, schema.StatusTimeout, false},
			{"lock.test.release", `{"name":"a","token":300}`, schema.StatusNotHeld, false},
			{"lock.test.acquire", `{"name":"a","mode":"shared","client":"x","owner":"o","session":"s"}`, schema.StatusSessionExpired, true},
			{"lock.test.acquire.x", `{"name":"a","client":"y"}`, schema.StatusDenied, true},
			{"lock.test.acquire", `{"name":`, schema.StatusInvalid, true},
			{"lock.test.acquire", `{"name":"a","reason\n":1,"ttl_ms":"1\n2"}`, schema.StatusInvalid, true},
			{"lock.test.list", `{"cursor":"nonsense!"}`, schema.StatusInvalid, true},
		} {
			msg := b.raw(test.subject, "", []byte(test.body))
			var r struct{ Status, Message string }
			if err := json.Unmarshal(msg.Data, &r); err != nil || r.Status != string(test.want) {
				t.Errorf("%s: %q, %v", test.body, msg.Data, err)
				continue
			}
			code, text := msg.Header.Get("Nats-Service-Error-Code"), msg.Header.Get("Nats-Service-Error")
			if !test.fault {
				if code != "" || text != "" {
					t.Errorf("%s: %s has the headers %q, %q", test.body, test.want, code, text)
				}
				continue
			}
			if code != r.Status || text == "" || text != strings.ReplaceAll(r.Message, "\n", " ") {
				t.Errorf("%s: headers %q, %q, message %q", test.body, code, text, r.Message)
			}
		}
	})
}

func TestAnEmptyBodyIsAnEmptyObject(t *testing.T) {
	inBubble(t, func(b *bubble) {
		for _, contentType := range []string{"", "application/json"} {
			if msg := b.raw("lock.test.list", contentType, nil); !strings.Contains(string(msg.Data), `"status":"ok"`) {
				t.Errorf("%q: %q", contentType, msg.Data)
			}
		}
	})
}
