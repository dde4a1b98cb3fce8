package socket

import (
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/natslock/natslock/service/gateway/socketio/engine"
)

var comparePackets = cmp.AllowUnexported(packet{})

func TestAPacketIsItsText(t *testing.T) {
	for text, want := range map[string]packet{
		"0":                      {kind: kindConnect, namespace: "/"},
		`0{"token":"123"}`:       {kind: kindConnect, namespace: "/", payload: json.RawMessage(`{"token":"123"}`)},
		`0/admin,{"a":[1,{}]}`:   {kind: kindConnect, namespace: "/admin", payload: json.RawMessage(`{"a":[1,{}]}`)},
		"1":                      {kind: kindDisconnect, namespace: "/"},
		"1/admin,":               {kind: kindDisconnect, namespace: "/admin"},
		`2["foo"]`:               {kind: kindEvent, namespace: "/", payload: json.RawMessage(`["foo"]`)},
		`212["foo"]`:             {kind: kindEvent, namespace: "/", id: 12, acked: true, payload: json.RawMessage(`["foo"]`)},
		`2/admin,0["foo",1e400]`: {kind: kindEvent, namespace: "/admin", acked: true, payload: json.RawMessage(`["foo",1e400]`)},
		`3/admin,13["bar"]`:      {kind: kindAck, namespace: "/admin", id: 13, acked: true, payload: json.RawMessage(`["bar"]`)},
		`30[]`:                   {kind: kindAck, namespace: "/", acked: true, payload: json.RawMessage(`[]`)},
		`39007199254740991[]`:    {kind: kindAck, namespace: "/", id: maxID, acked: true, payload: json.RawMessage(`[]`)},
		`51-["a",{"_placeholder":true,"num":0}]`: {kind: kindBinaryEvent, attachments: 1, namespace: "/",
			payload: json.RawMessage(`["a",{"_placeholder":true,"num":0}]`)},
		`62-/a-b,7[]`: {kind: kindBinaryAck, attachments: 2, namespace: "/a-b", id: 7, acked: true, payload: json.RawMessage(`[]`)},
	} {
		p, err := parse([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, p, comparePackets); d != "" {
			t.Errorf("%q: %s", text, d)
		}
		if again := string(p.encode()); again != text {
			t.Errorf("%q became %q", text, again)
		}
	}
	for text, namespace := range map[string]string{"0/custom": "/custom", "1/custom": "/custom", "0/,": "/", "0/": "/"} {
		if p, err := parse([]byte(text)); err != nil || p.namespace != namespace {
			t.Errorf("%q: %q, %v", text, p.namespace, err)
		}
	}
}

// malformed are packets that end the connection of whoever sends them.
var malformed = []string{
	"", "a", "7", "-", "abc",
	"0abc", "0[]", `0"x"`, "012", "0null", "0{", "0{}{}", "0/x,[", "0\xff",
	"1{}", "1[]", "112", "1 ",
	"2", "2{}", "2abc[]", `2"x"`, "2[", "2[]", "2[1", "2null", `2[null]`, `2[{}]`, `2[["a"]]`, `2[true]`, `2["connect"]`,
	`2["disconnect"]`, `2["newListener",1]`, "2\xff", "2[\"\xff\"]", `2/x,`, `29007199254740992["a"]`, `2-1["a"]`, `2+1["a"]`,
	`2 1["a"]`, "2[\"a\"\x1e]", `299999999999999999999999999["a"]`,
	"3", "3[]", "3abc[]", "31{}", "31", `31"x"`,
	"4", `4{"message":"x"}`,
	"5", "5[]", `5["a"]`, `51["a"]`, `5-["a"]`, `5+1-["a"]`, `5-1-["a"]`, `5 1-["a"]`, "51-", "51-{}", `5a-["a"]`,
	`518446744073709551616-["a"]`, `59223372036854775808-["a"]`,
	"6", "60-[]", "6-1[]", "60-1{}",
}

func TestAPacketThatIsCut(t *testing.T) {
	for text, want := range map[string]packet{
		`2["foo",{"a`:          {kind: kindEvent, namespace: "/", payload: json.RawMessage(`["foo"]`)},
		`2/a,12[ "f\"oo" , [[`: {kind: kindEvent, namespace: "/a", id: 12, acked: true, payload: json.RawMessage(`[ "f\"oo"]`)},
		`212[1.50,`:            {kind: kindEvent, namespace: "/", id: 12, acked: true, payload: json.RawMessage(`[1.50]`)},
		`2["a name that is cu`: {kind: kindEvent, namespace: "/", payload: json.RawMessage(`[""]`)},
		`2[`:                   {kind: kindEvent, namespace: "/", payload: json.RawMessage(`[""]`)},
		`52-7["foo",{"_place`:  {kind: kindBinaryEvent, attachments: 2, namespace: "/", id: 7, acked: true, payload: json.RawMessage(`["foo"]`)},
		`37["bar`:              {kind: kindAck, namespace: "/", id: 7, acked: true, payload: json.RawMessage(`[]`)},
		`0/admin,{"token":"`:   {kind: kindConnect, namespace: "/admin"},
	} {
		want.refused = engine.ErrTooLarge
		p, err := parseCut([]byte(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		if d := cmp.Diff(want, p, comparePackets, cmpopts.EquateErrors()); d != "" {
			t.Errorf("%q: %s", text, d)
		}
	}
	for _, text := range []string{"", "7", "2", "2{", `2"a`, "2[]", "2[,", "2[null,", "2[{", "1 ", "4{", "3[", "5[", "2/admin", "2123", `2["connect",`} {
		p, err := parseCut([]byte(text))
		if err == nil {
			_, _, err = p.event()
		}
		if !errors.Is(err, ErrPacket) {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
}

func TestAMalformedPacketIsRefused(t *testing.T) {
	for _, text := range malformed {
		p, err := parse([]byte(text))
		if err == nil {
			_, _, err = p.event()
		}
		if !errors.Is(err, ErrPacket) {
			t.Errorf("%q: %+v, %v", text, p, err)
		}
	}
	deep := strings.Repeat("[", 100_000)
	if _, err := parse([]byte("2" + deep)); !errors.Is(err, ErrPacket) {
		t.Errorf("deep: %v", err)
	}
}

func TestTheNameOfAnEvent(t *testing.T) {
	for payload, want := range map[string]string{`["a",1]`: "a", `[ "a" , 1 ]`: "a", `["",1]`: "", `["\u00e4\"",1]`: `ä"`, `[1.50,1]`: "1.50", `["1",1]`: "1"} {
		name, came, err := packet{payload: json.RawMessage(payload)}.event()
		if err != nil || name != want || len(came) != 2 || string(came[1]) != "1" {
			t.Errorf("%s: %q %s, %v", payload, name, came, err)
		}
	}
}

// However an answer is written, it is the same.
func TestAnAnswerInOneGoIsAsAnyOther(t *testing.T) {
	for _, written := range []string{`"a"`, `""`, `"ä"`, `"\u00e4"`, `"\n"`, `"a\/b"`, `1.50`, `12`, `"12"`} {
		for _, namespace := range []string{"/", "/custom"} {
			for _, args := range [][]any{nil, {Text(`{"a":1}`)}, {Text(`1`), Text(`"x"`)}, {Text(`1`), 2}} {
				name, came, err := packet{payload: json.RawMessage("[" + written + "]")}.event()
				if err != nil {
					t.Fatal(err)
				}
				e := &Event{Name: name, written: came[0], socket: &Socket{namespace: namespace}}
				got, err := e.answer(args)
				want, _ := Encode(namespace, name, args...)
				if err != nil || !reflect.DeepEqual(got, want.messages) {
					t.Errorf("%s in %s: %+v, %v, want %+v", written, namespace, got, err, want.messages)
				}
			}
		}
	}
}

func TestArgumentsAreEncodedAsJavaScriptDoes(t *testing.T) {
	messages, err := message(packet{kind: kindEvent, namespace: "/"}, []any{
		"a", "<&>\u2028", json.RawMessage(`{"b":1e400, "a":1}`), nil, Binary{1, 2}, map[string]any{"n": 1}, Binary(nil), json.RawMessage(nil),
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `52-["a","<&>\u2028",{"b":1e400, "a":1},null,{"_placeholder":true,"num":0},{"n":1},{"_placeholder":true,"num":1},null]`
	if string(messages[0].Data) != want || len(messages) != 3 || !messages[1].Binary || !messages[2].Binary {
		t.Errorf("%d messages, the first %q", len(messages), messages[0].Data)
	}
	for _, bad := range []any{math.Inf(1), json.RawMessage("{"), json.RawMessage(""), func() {}} {
		if _, err := message(packet{kind: kindEvent, namespace: "/"}, []any{"a", bad}); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func FuzzPacket(f *testing.F) {
	f.Add([]byte(`2/admin,12["foo",{"a":[1,null]}]`))
	f.Add([]byte(`51-["a",{"_placeholder":true,"num":0}]`))
	for _, text := range malformed {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parse(text)
		if err != nil {
			if !errors.Is(err, ErrPacket) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		again, err := parse(p.encode())
		if err != nil {
			t.Fatalf("what was parsed became %q: %v", p.encode(), err)
		}
		if d := cmp.Diff(p, again, comparePackets); d != "" {
			t.Fatal(d)
		}
		if p.kind == kindEvent || p.kind == kindBinaryEvent {
			_, _, _ = p.event()
		}
	})
}

func FuzzCutPacket(f *testing.F) {
	f.Add([]byte(`2/admin,12["foo",{"a":[1,nu`))
	f.Add([]byte(`212["lock",{"resource":"`))
	f.Add([]byte(`2[ "\u0066oo" ,`))
	f.Add([]byte(`2["fo`))
	f.Add([]byte(`2[12`))
	f.Add([]byte(`51-["a",{"_placeholder":tr`))
	f.Add([]byte(`31[1,`))
	f.Add([]byte(`0/admin,{"token":"`))
	f.Add([]byte("2/admin"))
	f.Add([]byte("2123"))
	for _, text := range malformed {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parseCut(text)
		if err != nil {
			if !errors.Is(err, ErrPacket) {
				t.Fatalf("another error: %v", err)
			}
			return
		}
		if !errors.Is(p.refused, engine.ErrTooLarge) {
			t.Fatalf("%q is not refused", text)
		}
		if p.kind == kindConnect {
			if p.payload != nil {
				t.Fatalf("%q is connected with %s", text, p.payload)
			}
			return
		}
		args, err := p.args()
		if name := p.kind == kindEvent || p.kind == kindBinaryEvent; err != nil || name != (len(args) == 1) {
			t.Fatalf("%q has %s, %v", text, args, err)
		}
		// What of it is whole is what it would be with an end.
		if whole, err := parse(text); err == nil {
			if whole.id != p.id || whole.acked != p.acked || whole.namespace != p.namespace || whole.attachments != p.attachments {
				t.Fatalf("%q is %+v, and cut %+v", text, whole, p)
			}
			all, err := whole.args()
			if err == nil && len(all) > 0 && len(args) > 0 && string(all[0]) != string(args[0]) {
				t.Fatalf("%q is the event %s, and cut %s", text, all[0], args[0])
			}
		}
	})
}

// What a server sends, a client puts together again, whatever is between.
func FuzzAssembler(f *testing.F) {
	f.Add([]byte(`51-["a",{"_placeholder":true,"num":0}]`), []byte{1, 2}, true, false, false)
	f.Add([]byte(`2["a"]`), []byte(`2["b"]`), false, false, false)
	f.Add([]byte(`52-["a"]`), []byte{}, true, false, false)
	f.Add([]byte(`52-["a"]`), []byte{}, true, true, false)
	f.Add([]byte(`52-["a",{`), []byte{}, true, false, true)
	f.Add([]byte(`51025-["a"]`), []byte{}, true, false, false)
	f.Fuzz(func(t *testing.T, text, next []byte, binary, cutNext, cut bool) {
		a := assembler{most: 3}
		for range 3 {
			for _, m := range []engine.Message{{Data: text, Cut: cut}, {Data: next, Binary: binary, Cut: cutNext}} {
				p, attachments, complete, err := a.add(m)
				if complete && p.refused != nil && len(attachments) > 0 {
					t.Fatalf("%d attachments are kept in spite of %v", len(attachments), p.refused)
				}
				if complete && p.refused == nil && (err != nil || len(attachments) != p.attachments || len(attachments) > 3) {
					t.Fatalf("complete with %d of %d, %v", len(attachments), p.attachments, err)
				}
				if err != nil {
					return // the connection ends
				}
			}
		}
	})
}
