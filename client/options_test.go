package client_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// What is not valid UTF-8 would arrive as another text, and so is not sent.
func TestTextThatIsNotUTF8IsRefusedByItsField(t *testing.T) {
	const bad = "bad\xff"
	s := clienttest.New(t)
	c := s.Client(nil)
	acquire := func(name string, opts ...client.AcquireOption) error {
		_, err := c.TryAcquire(t.Context(), name, opts...)
		return err
	}
	call := func(v schema.Verb, m schema.Message) error {
		_, err := c.Call(t.Context(), v, m)
		return err
	}
	made := func(o client.Options) error {
		_, err := client.New(s.Conn(), &o)
		return err
	}
	_, all := c.TryAcquireAll(t.Context(), []string{"a", bad})
	_, inspected := c.Inspect(t.Context(), bad)
	_, forced := c.Force(t.Context(), bad, nil)
	_, why := c.Force(t.Context(), "a", &client.ForceOptions{Reason: bad})
	listed := func(o client.ListOptions) error {
		for _, err := range c.List(t.Context(), &o) {
			return err
		}
		return nil
	}
	for _, test := range []struct {
		field string
		err   error
	}{
		{"name", acquire(bad)},
		{"names[1]", all},
		{"owner", acquire("a", client.Owner(bad))},
		{"meta", acquire("a", client.Meta(map[string]string{"k": bad}))},
		{"meta", acquire("a", client.Meta(map[string]string{bad: "v"}))},
		{"meta", acquire("a", client.Meta(json.RawMessage(`{"k":"`+bad+`"}`)))},
		{"names[0]", inspected},
		{"name", forced},
		{"reason", why},
		{"prefix", listed(client.ListOptions{Prefix: bad})},
		{"holder", listed(client.ListOptions{Holder: bad})},
		{"session", listed(client.ListOptions{Session: bad})},
		{"request", call(schema.VerbCancel, &schema.Cancel{Name: "a", Client: "c", Request: bad})},
		{"locks[0].name", call(schema.VerbRelease, &schema.Release{Locks: []schema.LockToken{{Name: bad, Token: 1}}})},
		{"realm", made(client.Options{Realm: bad})},
		{"client", made(client.Options{ID: bad})},
		{"label", made(client.Options{Label: bad})},
	} {
		wantErr(t, test.err, client.ErrInvalid)
		if test.err != nil && !strings.Contains(test.err.Error(), "invalid: "+test.field+": not valid UTF-8") {
			t.Errorf("%s: %v", test.field, test.err)
		}
	}
	for _, meta := range []any{
		map[string]string{"k": "\ufffd"}, map[string]string{"k": `\ufffd`}, map[string]string{"k": `x\\ufffd`}, json.RawMessage(`{"k":"\ufffd"}`),
	} {
		if err := acquire("ok", client.Meta(meta), client.Owner("o")); err != nil {
			t.Errorf("%q: %v", meta, err)
		}
	}
}

func TestLabelIsWhatOthersSee(t *testing.T) {
	s := clienttest.New(t)
	one, other := s.Client(&client.Options{Label: "ann@host"}), s.Client(&client.Options{Label: "ann@host"})
	l := acquire(t, one, "a")
	_, err := other.TryAcquire(t.Context(), "a")
	wantErr(t, err, client.ErrHeld)
	if got := state(t, other, "a").Holders[0].Client; got != "ann@host" || one.ID() != got {
		t.Errorf("%s, %s", got, one.ID())
	}
	// It is no ID: whoever knows the token may release.
	m := &schema.Release{Name: "a", Token: l.Token(), Client: "somebody"}
	if r := must[*schema.Reply](t)(s.Client(nil).Call(t.Context(), schema.VerbRelease, m)); r.Status != schema.StatusReleased {
		t.Errorf("%+v", r)
	}
	_, err = client.New(s.Conn(), &client.Options{Label: strings.Repeat("x", 129)})
	wantErr(t, err, client.ErrInvalid)
}
