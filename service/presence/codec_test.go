package presence_test

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/presence"
)

func TestEncoding(t *testing.T) {
	const golden = "01010163015307904ed00f040501"
	if got := hex.EncodeToString(open.Append(nil)); got != golden {
		t.Errorf("encoded %s, want %s", got, golden)
	}
	if got := hex.EncodeToString(in(presence.Open, true).Append(nil)); got != strings.Replace(golden, "0101", "0181", 1) {
		t.Errorf("with its connection told: %s", got)
	}
	opening := open
	opening.Epoch = 0
	r, err := presence.Decode(opening.Append(nil), 99)
	if opening.Epoch = 99; err != nil || r != opening {
		t.Errorf("an opening: %+v, %v", r, err)
	}
	changed := open
	changed.Change = 300
	if got := hex.EncodeToString(changed.Append(nil)); got != strings.Replace(golden, "01", "02", 1)+"ac02" {
		t.Errorf("with other terms: %s", got)
	}
	if r, err := presence.Decode(changed.Append(nil), 99); err != nil || r != changed {
		t.Errorf("with other terms: %+v, %v", r, err)
	}
	if r, err := presence.Decode(nil, 99); err != nil || r != unknown {
		t.Errorf("a deleted key: %+v, %v", r, err)
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	whole := open.Append(nil)
	for i := 1; i < len(whole); i++ {
		if _, err := presence.Decode(whole[:i], 99); !errors.Is(err, presence.ErrDamaged) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
	untimed := open
	untimed.TTL = 0
	for name, value := range map[string][]byte{
		"more":     append(open.Append(nil), 0),
		"no state": unknown.Append(nil),
		"a state":  in(presence.Disconnected + 1).Append(nil),
		"untimed":  untimed.Append(nil),
		"older":    append([]byte{0}, whole[1:]...),
		"changes":  append([]byte{2}, whole[1:]...),
		"a change": append(append([]byte{2}, whole[1:]...), 0),
	} {
		if _, err := presence.Decode(value, 99); !errors.Is(err, presence.ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := presence.Decode([]byte{3}, 99); !errors.Is(err, presence.ErrNewerVersion) {
		t.Errorf("newer: %v", err)
	}
}

func TestKeys(t *testing.T) {
	for _, id := range []string{"p", "p/l", "p/l/m", "a.b", "é ü/→", strings.Repeat("=", schema.MaxSession)} {
		if back, ok := presence.ParseKey(presence.Key(id)); !ok || back != id {
			t.Errorf("%q: %q, %t", id, back, ok)
		}
	}
	for _, key := range []string{"", ".", "a.", ".b", "a.b.c", "=2F", "=2e", "a=2Fb.c", "é"} {
		if id, ok := presence.ParseKey(key); ok {
			t.Errorf("key %q is of %q", key, id)
		}
	}
}

// What can be decoded is encoded as it was.
func FuzzDecode(f *testing.F) {
	f.Add(open.Append(nil))
	f.Add(left.Append(nil))
	changed := open
	changed.Change = 1
	f.Add(changed.Append(nil))
	f.Fuzz(func(t *testing.T, value []byte) {
		r, err := presence.Decode(value, 99)
		if err != nil || len(value) == 0 {
			return
		}
		if r.Epoch == 99 {
			return // perhaps sealed
		}
		if back := string(r.Append(nil)); back != string(value) {
			t.Errorf("%x is encoded as %x", value, back)
		}
	})
}
