package lock

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"github.com/natslock/natslock/schema"
	"pgregory.net/rapid"
)

// full is a record that has one of everything.
func fullRecord() Record {
	const shared = schema.ModeShared
	session := Session{ID: "p/1", Client: "x", Epoch: 900, TTL: 10_000, Grace: 2_000}
	inbox := Inbox{Subject: "_INBOX.1", Encoding: schema.MessagePack}
	was := Waiter{
		Attempt: 1, Arrival: 3, Client: "x", Owner: "a", Session: session, Mode: shared, Size: 2, TTL: 5,
		Wait: schema.WaitForever, Meta: schema.Meta(`{"a":1}`), Inbox: inbox, QueuedAt: 70_000,
	}
	return Record{
		Mode: shared, Size: 2, Arrived: 5,
		Holds: []Hold{
			{
				Client: "x", Owner: "a", Token: 1, TTL: 5, Sessions: []Session{session}, Meta: was.Meta,
				GrantedAt: 80_000, Attempts: []Attempt{1}, Waited: &was, Repeats: 2, Unheard: 5,
			},
			{
				Client: "y", Owner: "b", Token: 12_345_678, Renewed: 77_777, TTL: 30_000,
				GrantedAt: 60_000, Attempts: []Attempt{2, 3},
				Waited: &Waiter{Attempt: 2, Client: "y", Owner: "b", Mode: shared, Parked: true, Inbox: Inbox{Subject: "j"}},
				Lead:   "l", Names: []string{"m", "l"},
			},
		},
		Waiters: []Waiter{
			{Attempt: 4, Arrival: 4, Client: "x", Owner: "c", Mode: schema.ModeExclusive, TTL: 9, DefaultTTL: true, Wait: 10, Inbox: inbox},
			{Attempt: 5, Arrival: 5, Client: "x", Owner: "d", Mode: shared, Size: 3, Session: session, Wait: 10, Parked: true},
		},
		Sets:  []Set{{Waiter: Waiter{Attempt: 6, Client: "z", Owner: "e", Mode: schema.ModeExclusive, Wait: 10}, Names: []string{"l", "n"}}},
		Ended: Ends("").With(EndTimeout, 7).With(EndMismatch, 8),
	}
}

// Stored records are read by later versions: these bytes must stay readable.
const golden = "" +
	"010202050205017801610100050103702f318407904ed00f077b2261223a317d80f104010100000000000000020541030205" +
	"00f0a20401085f494e424f582e310301790162cec2f105d1df04b0ea010000e0d40302020000000000000003000000000000" +
	"0045000000010000016a016c02016d016c024a0400090b0004000000000000000178016301085f494e424f582e311d050300" +
	"0b0005000000000000000178016403702f318407904ed00f01080000000b000600000000000000017a016502016c016e0207" +
	"0000000000000001080000000000000005"

func TestRecordsAreWrittenAsEver(t *testing.T) {
	if got := hex.EncodeToString(fullRecord().Append(nil)); got != golden {
		t.Errorf("got %s", got)
	}
	value, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(value, 88_888)
	if err != nil || !reflect.DeepEqual(got, fullRecord().Seal(88_888)) {
		t.Errorf("%v\n%+v", err, got)
	}
}

func TestAppendKeepsWhatIsThere(t *testing.T) {
	if got := fullRecord().Append([]byte("before")); !bytes.Equal(got, append([]byte("before"), fullRecord().Append(nil)...)) {
		t.Errorf("%q", got)
	}
}

func TestDamagedRecordsAreRefused(t *testing.T) {
	whole := fullRecord().Append(nil)
	replaced := func(at int, b byte) []byte {
		value := bytes.Clone(whole)
		value[at] = b
		return value
	}
	cases := map[string][]byte{
		"empty":            {},
		"version 0":        replaced(0, 0),
		"mode":             replaced(1, 3),
		"mode without use": {version, 1, 0, 0, 0, 0, 0, 0},
		"use without mode": replaced(1, 0),
		"trailing byte":    append(bytes.Clone(whole), 0),
		"end":              replaced(len(whole)-1, 6),
		"no end":           replaced(len(whole)-1, 0),
		"many holds":       {version, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"many waiters":     {version, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0, 0},
		"number too long":  {version, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 0},
		"number too big":   {version, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80, 0x00, 0, 0, 0, 0, 0},
		"hold's flag":      replaced(6, 0x10),
		"no opener":        replaced(6, holdWaited|holdRepeats|holdOpeners),
		"opener of none":   replaced(bytes.Index(whole, []byte{waiterDefault | waiterIdentity | waiterInbox, 4, 0, 9}), waiterOpener),
	}
	counted := bytes.Index(whole, []byte{2, 5, waiterShared | waiterInbox}) // repeats, unheard, and a waiter's flags
	for name, of := range map[string][2]byte{
		"no repeats": {0, 0}, "nobody heard": {2, 7}, "more answers than repeats": {2, 8}, "many repeats": {9, 0},
		"counted for good": {8, 1}, "nobody heard any": {7, 255},
	} {
		value := replaced(counted, of[0])
		value[counted+1] = of[1]
		cases[name] = value
	}
	for n := range whole {
		cases["cut to "+hex.EncodeToString([]byte{byte(n)})] = whole[:n]
	}
	for name, value := range cases {
		if r, err := Decode(value, 9); !errors.Is(err, ErrDamaged) || !reflect.DeepEqual(r, Record{}) {
			t.Errorf("%s: %v, %+v", name, err, r)
		}
	}
	for _, revision := range []uint64{0, maxRevision + 1} {
		if _, err := Decode(whole, revision); !errors.Is(err, ErrDamaged) {
			t.Errorf("revision %d: %v", revision, err)
		}
	}
	if _, err := Decode(whole, maxRevision); err != nil {
		t.Errorf("the last revision: %v", err)
	}
}

// A count that the rest of the value cannot hold must not cost memory.
func TestCountsAreBoundedByTheRest(t *testing.T) {
	d := decoder{rest: "\x02" + string(make([]byte, 2*minHold))}
	if n := d.count(minHold); n != 2 || d.damaged {
		t.Errorf("%d, damaged %v", n, d.damaged)
	}
	d = decoder{rest: "\x03" + string(make([]byte, 2*minHold))}
	if n := d.count(minHold); n != 0 || !d.damaged {
		t.Errorf("%d, damaged %v", n, d.damaged)
	}
}

func TestNewerVersionsAreTold(t *testing.T) {
	if _, err := Decode([]byte{versionTerms + 1, 0xff}, 9); !errors.Is(err, ErrNewerVersion) {
		t.Errorf("%v", err)
	}
}

func TestDecodedRecordsDoNotKeepTheValue(t *testing.T) {
	value := fullRecord().Append(nil)
	r, err := Decode(value, 9)
	if err != nil {
		t.Fatal(err)
	}
	clear(value)
	if !reflect.DeepEqual(r, fullRecord().Seal(9)) {
		t.Errorf("%+v", r)
	}
}

// Invariant 16, for values that commands do not lead to either, and the weight
// of numbers that are as large as the protocol allows.
func TestAnyRecordIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawRecord(t)
		value := r.Append(nil)
		if len(value) > r.weight() {
			t.Fatalf("%d bytes, weight %d: %+v", len(value), r.weight(), r)
		}
		revision := rapid.Uint64Range(1, maxRevision).Draw(t, "revision")
		got, err := Decode(value, revision)
		if err != nil || !reflect.DeepEqual(got, r.Seal(revision)) {
			t.Fatalf("%v\nread   %+v\nsealed %+v", err, got, r.Seal(revision))
		}
	})
}

func drawRecord(t *rapid.T) Record {
	r := Record{
		Arrived: rapid.Uint64Range(0, 1<<34).Draw(t, "arrived"),
		Holds:   rapid.SliceOfN(rapid.Custom(drawHold), 0, 3).Draw(t, "holds"),
		Waiters: rapid.SliceOfN(rapid.Custom(drawWaiter), 0, 3).Draw(t, "waiters"),
	}
	if len(r.Holds) > 0 {
		r.Mode = schema.ModeShared
		r.Size = rapid.Int64Range(0, schema.MaxSize).Draw(t, "size")
	}
	for _, w := range rapid.SliceOfN(rapid.Custom(drawWaiter), 0, 2).Draw(t, "sets") {
		r.Sets = append(r.Sets, Set{Waiter: w, Names: drawNames(t)})
	}
	for range rapid.IntRange(0, 3).Draw(t, "ended") {
		a := drawAnyAttempt(t)
		r.Ended = r.Ended.With(End(rapid.IntRange(1, 5).Draw(t, "end")), a)
	}
	return r.tidy()
}

func drawText(t *rapid.T, longest int) string {
	return string(rapid.SliceOfN(rapid.Byte(), 0, longest).Draw(t, "text"))
}

func drawNames(t *rapid.T) []string {
	var names []string
	for range rapid.IntRange(0, 2).Draw(t, "names") {
		names = append(names, drawText(t, schema.MaxName))
	}
	return names
}

func drawAnyAttempt(t *rapid.T) Attempt { return Attempt(rapid.Uint64Min(1).Draw(t, "attempt")) }

// drawAnySession draws a session of a client's, opened by it or by another.
func drawAnySession(t *rapid.T, client string) Session {
	s := Session{
		ID: drawText(t, schema.MaxSession), Epoch: rapid.Uint64Range(0, maxRevision).Draw(t, "epoch"),
		TTL: rapid.Int64Range(0, schema.MaxSessionTTL).Draw(t, "ttl"), Grace: rapid.Int64Range(0, schema.MaxGrace).Draw(t, "grace"),
	}
	if rapid.Bool().Draw(t, "other terms") {
		s.Change, s.N = rapid.Uint64Range(0, schema.MaxToken).Draw(t, "change"), rapid.Uint64Range(0, schema.MaxToken).Draw(t, "n")
	}
	switch {
	case rapid.Bool().Draw(t, "opened by another"):
		s.Client = drawText(t, schema.MaxClient)
	case s.ID != "":
		s.Client = client
	}
	return s
}

func drawWaiter(t *rapid.T) Waiter {
	w := Waiter{
		Attempt: drawAnyAttempt(t), Arrival: rapid.Uint64Range(0, 1<<34).Draw(t, "arrival"),
		Client: drawText(t, schema.MaxClient), Owner: drawText(t, schema.MaxOwner),
		Mode: rapid.SampledFrom(modes[1:]).Draw(t, "mode"), Size: rapid.Int64Range(0, schema.MaxSize).Draw(t, "size"),
		TTL: rapid.Int64Range(0, schema.MaxTTL).Draw(t, "ttl"), DefaultTTL: rapid.Bool().Draw(t, "default"),
		Wait: rapid.Int64Range(-1, schema.MaxWait).Draw(t, "wait"), Inbox: drawInbox(t), Meta: drawMeta(t),
		QueuedAt: rapid.Int64Range(0, 1<<42).Draw(t, "queued"), Parked: rapid.Bool().Draw(t, "parked"),
	}
	if rapid.Bool().Draw(t, "session") {
		w.Session = drawAnySession(t, w.Client)
	}
	return w
}

func drawHold(t *rapid.T) Hold {
	w := drawWaiter(t)
	h := w.hold()
	h.Token = Token(rapid.Uint64Range(0, schema.MaxToken).Draw(t, "token"))
	h.Renewed = rapid.Uint64Range(0, maxRevision).Draw(t, "renewed")
	for range rapid.IntRange(0, 2).Draw(t, "sessions") {
		h.Sessions = append(h.Sessions, drawAnySession(t, h.Client))
	}
	h.Attempts = append(h.Attempts, rapid.SliceOfN(rapid.Custom(drawAnyAttempt), 0, 2).Draw(t, "attempts")...)
	if h.Repeats = uint8(rapid.IntRange(0, MaxRepeats).Draw(t, "repeats")); h.Repeats > 0 && h.undoable() {
		h.Unheard = uint8(rapid.IntRange(0, int(h.everyAnswer())-1).Draw(t, "unheard"))
	}
	switch rapid.IntRange(0, 2).Draw(t, "waited") {
	case 1:
		h.Waited = &w
	case 2:
		other := drawWaiter(t)
		h.Waited = &other
	}
	if rapid.Bool().Draw(t, "several") {
		h.Lead, h.Names = drawText(t, schema.MaxName), drawNames(t)
	}
	return h
}
