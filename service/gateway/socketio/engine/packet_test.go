package engine

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parseAll(body []byte) ([]packet, error) {
	var packets []packet
	for p, err := range parsePayload(body) {
		if err != nil {
			return packets, err
		}
		packets = append(packets, p)
	}
	return packets, nil
}

var comparePackets = cmp.AllowUnexported(packet{})

func TestAPayloadIsItsPackets(t *testing.T) {
	for text, want := range map[string][]packet{
		"4hello":                           {{kind: kindMessage, data: []byte("hello")}},
		"4":                                {{kind: kindMessage, data: []byte{}}},
		"3":                                {{kind: kindPong, data: []byte{}}},
		"2probe":                           {{kind: kindPing, data: []byte("probe")}},
		"4hello\x1ebAQIDBA==":              {{kind: kindMessage, data: []byte("hello")}, {kind: kindMessage, data: []byte{1, 2, 3, 4}, binary: true}},
		"b":                                {{kind: kindMessage, data: []byte{}, binary: true}},
		"4test1\x1e4t€st2\x1e4\"\\u001e\"": {{kind: kindMessage, data: []byte("test1")}, {kind: kindMessage, data: []byte("t€st2")}, {kind: kindMessage, data: []byte(`"\u001e"`)}},
	} {
		packets, err := parseAll([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, packets, comparePackets); d != "" {
			t.Errorf("%q: %s", text, d)
		}
		if joined := payload(packets); string(joined) != text {
			t.Errorf("%q is joined to %q", text, joined)
		}
	}
}

func TestAMalformedPacketEndsThePayload(t *testing.T) {
	for text, before := range map[string]int{
		"":              0,
		"abc":           0,
		"7":             0,
		"/":             0,
		"4a\x1e":        1,
		"\x1e4a":        0,
		"4a\x1e\x1e4b":  1,
		"4\xff":         0,
		"b=":            0,
		"bAQI":          0,
		"bAQIDBA":       0,
		"b!!!!":         0,
		"4a\x1e4b\x1ex": 2,
	} {
		packets, err := parseAll([]byte(text))
		if !errors.Is(err, ErrPacket) || len(packets) != before {
			t.Errorf("%q: %d packets, %v", text, len(packets), err)
		}
	}
}

func TestATextThatAPayloadCannotCarryIsNotSent(t *testing.T) {
	for _, m := range []Message{{Data: []byte("a\x1eb")}, {Data: []byte("\xff")}} {
		if err := m.check(); !errors.Is(err, ErrText) {
			t.Errorf("%q: %v", m.Data, err)
		}
		if err := (Message{Data: m.Data, Binary: true}).check(); err != nil {
			t.Errorf("%q, binary: %v", m.Data, err)
		}
	}
}

func FuzzPayload(f *testing.F) {
	for _, seed := range []string{"4hello\x1ebAQIDBA==\x1e2\x1e3probe", "", "b", "4\x1e", "\x1e", "b=\x1e4", "4\xf0\x28"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		packets, err := parseAll(body)
		if err != nil {
			if !errors.Is(err, ErrPacket) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := parseAll(payload(packets))
		if err != nil {
			t.Fatalf("what was parsed is joined to %q: %v", payload(packets), err)
		}
		if d := cmp.Diff(packets, again, comparePackets); d != "" {
			t.Fatal(d)
		}
		if bytes.Count(body, []byte{separator})+1 != len(packets) {
			t.Fatalf("%d packets of %q", len(packets), body)
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte("hello"), false)
	f.Add([]byte{0x1e, 0xff}, true)
	f.Fuzz(func(t *testing.T, data []byte, binary bool) {
		m := Message{Data: data, Binary: binary}
		if m.check() != nil {
			return
		}
		packets, err := parseAll(payload([]packet{m.packet(), m.packet()}))
		if err != nil || len(packets) != 2 {
			t.Fatalf("%q: %d packets, %v", data, len(packets), err)
		}
		for _, p := range packets {
			if got := p.message(); !bytes.Equal(got.Data, data) || got.Binary != binary || p.kind != kindMessage {
				t.Fatalf("%q became %q", data, got.Data)
			}
		}
	})
}
