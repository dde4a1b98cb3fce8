package bus

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
)

const ackStream = "KV_x"

// judge is the outcome that an acknowledgement tells.
func (b *Bucket) judge(m *nats.Msg, writes int) (revision uint64, err error) {
	seq, count := parseAck(m.Data, b.stream)
	return b.verdict(m, seq, count, writes)
}

func TestAcknowledgementsAreUnderstood(t *testing.T) {
	for _, test := range []struct {
		data     string
		writes   int
		revision uint64
		err      error
	}{
		{`{"stream":"KV_x","seq":7}`, 1, 7, nil},
		{`{"stream":"KV_x","seq":1192157800000}`, 1, 1192157800000, nil},
		{`{"stream":"KV_x", "seq": 7}`, 1, 7, nil},
		{`{"stream":"KV_x","domain":"d","seq":7}`, 1, 7, nil},
		{`{"stream":"KV_x","seq":9,"batch":"b","count":3}`, 3, 9, nil},
		{`{"stream":"KV_x","domain":"d","seq":9,"batch":"b","count":3}`, 3, 9, nil},
		{`{"stream":"KV_x","seq":9,"batch":",\"count\":4","count":3}`, 3, 9, nil},
		{`{"stream":"KV_x","seq":9,"batch":"b","count":2}`, 3, 0, ErrUnknown},
		{`{"stream":"KV_x","seq":9}`, 3, 0, ErrUnknown},
		{`{"stream":"KV_x","seq":9,"batch":"b","count":3}`, 1, 0, ErrUnknown},
		{`{"stream":"KV_x","seq":2,"batch":"b","count":3}`, 3, 0, ErrUnknown},
		{`{"stream":"KV_x","seq":0}`, 1, 0, ErrUnknown},
		{`{"stream":"KV_y","seq":7}`, 1, 0, ErrUnknown},
		{`{"stream":"KV_xy","seq":7}`, 1, 0, ErrUnknown},
		{``, 1, 0, ErrUnknown},
		{`{`, 1, 0, ErrUnknown},
		{`{}`, 1, 0, ErrUnknown},
		{`null`, 1, 0, ErrUnknown},
		{`{"stream":"KV_x","seq":-1}`, 1, 0, ErrUnknown},
		{`{"stream":"KV_x","seq":99999999999999999999999}`, 1, 0, ErrUnknown},
		{`{"stream":"KV_x","seq":7,"batch":"b","count":18446744073709551615}`, 1, 0, ErrUnknown},
		{`{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 3"},"stream":"KV_x","seq":0}`, 1, 0, ErrConflict},
		{`{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"},"stream":"KV_x","seq":0}`, 2, 0, ErrConflict},
	} {
		b := &Bucket{stream: ackStream}
		revision, err := b.judge(&nats.Msg{Data: []byte(test.data)}, test.writes)
		if revision != test.revision || !errors.Is(err, test.err) {
			t.Errorf("%s for %d: %d, %v", test.data, test.writes, revision, err)
		}
	}
}

func TestRefusalsAreSortedByWhatMayHaveBeenStored(t *testing.T) {
	for _, test := range []struct {
		code         int
		text         string
		one, several error
	}{
		{10071, "wrong last sequence: 5", ErrConflict, ErrConflict},
		{10164, "wrong last sequence", ErrConflict, ErrConflict},
		{10054, "message size exceeds maximum allowed", ErrTooLarge, ErrTooLarge},
		{10097, "header size exceeds maximum allowed of 64k", ErrTooLarge, ErrTooLarge},
		{10077, "message too large", ErrTooLarge, ErrTooLarge},
		{10077, "store is closed", ErrUnknown, ErrUnknown},
		{10077, "write 1.blk: no space left on device", ErrUnknown, ErrUnknown},
		{10063, "expected stream sequence does not match", ErrUnknown, ErrUnknown},
		{10002, "resource limits exceeded for account", ErrUnavailable, ErrUnknown},
		{10023, "insufficient resources", ErrUnavailable, ErrUnknown},
		{10047, "insufficient storage resources available", ErrUnavailable, ErrUnknown},
		{10163, "expected last sequence per subject temporarily unavailable", ErrUnavailable, ErrUnavailable},
		{10167, "too many requests", ErrUnavailable, ErrUnavailable},
		{10109, "invalid operation on sealed stream", ErrUnavailable, ErrUnavailable},
		{10166, "per-message TTL is disabled", ErrUnavailable, ErrUnavailable},
		{10174, "atomic publish is disabled", ErrUnavailable, ErrUnavailable},
		{10176, "atomic publish batch is incomplete", ErrUnavailable, ErrUnavailable},
		{10210, "atomic publish too many inflight", ErrUnavailable, ErrUnavailable},
	} {
		body, err := json.Marshal(map[string]any{
			"error": map[string]any{"code": 500, "err_code": test.code, "description": test.text}, "stream": ackStream, "seq": 0,
		})
		if err != nil {
			t.Fatal(err)
		}
		b := &Bucket{stream: ackStream}
		for writes, want := range map[int]error{1: test.one, 2: test.several} {
			_, err := b.judge(&nats.Msg{Data: body}, writes)
			if !errors.Is(err, want) {
				t.Errorf("%d %s of %d writes: %v, want %v", test.code, test.text, writes, err, want)
			}
			full := slices.Contains([]int{10002, 10023, 10028, 10047}, test.code) || strings.Contains(test.text, "no space")
			if errors.Is(err, ErrFull) != full {
				t.Errorf("%d %s: full is %t, want %t", test.code, test.text, !full, full)
			}
			if want != ErrConflict && !strings.Contains(err.Error(), test.text) {
				t.Errorf("%v does not say %q", err, test.text)
			}
		}
	}
}

func TestAnAnswerThatNobodyListensIsUnavailable(t *testing.T) {
	b := &Bucket{stream: ackStream}
	_, err := b.judge(&nats.Msg{Header: nats.Header{"Status": {"503"}}}, 1)
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

// Both parsers must agree, and no bytes may be taken for more than they say.
func FuzzAck(f *testing.F) {
	f.Add([]byte(`{"stream":"KV_x","seq":7}`))
	f.Add([]byte(`{"stream":"KV_x","seq":9,"batch":"b","count":3}`))
	f.Add([]byte(`{"error":{"code":400,"err_code":10071,"description":"x"},"stream":"KV_x","seq":0}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		seq, count := parseAck(data, ackStream)
		if (seq == 0) != (count == 0) {
			t.Errorf("%q is %d, %d", data, seq, count)
		}
		if seq == 0 {
			return
		}
		seq2, count2, err := decodeAck(data, ackStream, true)
		if err != nil && json.Valid(data) || err == nil && (seq != seq2 || count != count2) {
			t.Errorf("%q is %d, %d and %d, %d, %v", data, seq, count, seq2, count2, err)
		}
	})
}

func TestDeliveriesAreNumberedByTheirReplySubject(t *testing.T) {
	for _, reply := range []string{
		"$JS.ACK.KV_x.c.1.70.3.1700000000000000000.9",
		"$JS.ACK.dom.ACCHASH.KV_x.c.1.70.3.1700000000000000000.9.tok",
		"$JS.ACK._.ACCHASH.KV_x.c.1.70.3.1700000000000000000.0",
	} {
		if revision, delivery, ok := parseDelivery(reply); revision != 70 || delivery != 3 || !ok {
			t.Errorf("%s is %d, %d, %t", reply, revision, delivery, ok)
		}
		if pending := pendingOf(reply); strings.Contains(reply, ".9") != (pending == 9) {
			t.Errorf("%s has %d behind it", reply, pending)
		}
	}
	for _, reply := range []string{"", "_INBOX.x", "$JS.ACK.", "$JS.ACK.KV_x.c.1.70", "$JS.ACK.KV_x.c.1.x.3.1.9", "$JS.ACK.KV_x.c.1.70.-3.1.1"} {
		if _, _, ok := parseDelivery(reply); ok {
			t.Errorf("%q was understood", reply)
		}
	}
}

func TestAReplySubjectThatDoesNotSayWhatIsBehind(t *testing.T) {
	for _, reply := range []string{"", "_INBOX.x", "$JS.ACK.KV_x.c.1.70.3.1", "$JS.ACK.KV_x.c.1.70.3.1.x", "$JS.ACK.KV_x.c.1.70.3.1.-4"} {
		if pending := pendingOf(reply); pending != 0 {
			t.Errorf("%q has %d behind it", reply, pending)
		}
	}
}

func FuzzParseDelivery(f *testing.F) {
	f.Add("$JS.ACK.KV_x.c.1.70.3.1700000000000000000.9")
	f.Fuzz(func(t *testing.T, reply string) {
		if revision, _, ok := parseDelivery(reply); ok && !strings.Contains(reply, strconv.FormatUint(revision, 10)) {
			t.Errorf("%q has no %d", reply, revision)
		}
	})
}
