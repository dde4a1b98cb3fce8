package engine

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parseAll(body []byte) ([]packet, error) { return parseHeads(body, len(body)+1) }

// parseHeads keeps so many bytes of each packet.
func parseHeads(body []byte, most int) ([]packet, error) {
	var packets []packet
	for p, err := range parsePayload(bytes.NewReader(body), most) {
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

func TestAPacketThatIsTooLargeIsCut(t *testing.T) {
	long := strings.Repeat("x", 10_000) // more than is read at once
	for text, want := range map[string][]packet{
		"4abcd":                     {{kind: kindMessage, data: []byte("abcd")}},
		"4abcde\x1e4b\x1e3":         {{kind: kindMessage, data: []byte("abcd"), cut: true}, {kind: kindMessage, data: []byte("b")}, {kind: kindPong, data: []byte{}}},
		"4b\x1e4" + long:            {{kind: kindMessage, data: []byte("b")}, {kind: kindMessage, data: []byte("xxxx"), cut: true}},
		"4" + long + "\x1e4" + long: {{kind: kindMessage, data: []byte("xxxx"), cut: true}, {kind: kindMessage, data: []byte("xxxx"), cut: true}},
		"4abc€":                     {{kind: kindMessage, data: []byte("abc"), cut: true}},
		"4ab€c":                     {{kind: kindMessage, data: []byte("ab"), cut: true}},
		"4a€b":                      {{kind: kindMessage, data: []byte("a€"), cut: true}},
		"bAQIDBA==\x1e4b":           {cutBytes, {kind: kindMessage, data: []byte("b")}},
		"b!!!!!!!!":                 {cutBytes},
	} {
		packets, err := parseHeads([]byte(text), 5)
		if err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
		if d := cmp.Diff(want, packets, comparePackets); d != "" {
			t.Errorf("%.20q: %s", text, d)
		}
	}
	for _, text := range []string{"7abcdefg", "4a\xffbcdefg", "4abc\xff\xff\xff", long} {
		if packets, err := parseHeads([]byte(text), 5); !errors.Is(err, ErrPacket) {
			t.Errorf("%.20q: %v, %v", text, packets, err)
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

// What is kept of a packet is the beginning of it, and the packets around it are whole.
func FuzzCutPacket(f *testing.F) {
	f.Add([]byte("4hello"), 3)
	f.Add([]byte("4€€"), 3)
	f.Add([]byte("4\xf0\x9f\x98\x80"), 4)
	f.Add([]byte("bAQIDBA=="), 5)
	f.Add([]byte("4"), 1)
	f.Fuzz(func(t *testing.T, text []byte, most int) {
		if bytes.IndexByte(text, separator) >= 0 || most < 2 {
			return
		}
		packets, err := parseHeads(slices.Concat([]byte("4a\x1e"), text, []byte("\x1e4b")), most)
		if err != nil {
			if !errors.Is(err, ErrPacket) || len(packets) != 1 {
				t.Fatalf("%d packets, %v", len(packets), err)
			}
			return
		}
		if len(packets) != 3 || string(packets[0].data) != "a" || string(packets[2].data) != "b" {
			t.Fatalf("%v", packets)
		}
		p := packets[1]
		if p.cut != (len(text) > most) || p.cut && (p.binary && p.data != nil || !bytes.HasPrefix(text[1:], p.data) || len(p.data) >= most) {
			t.Fatalf("of %q: %q, cut %t", text, p.data, p.cut)
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
