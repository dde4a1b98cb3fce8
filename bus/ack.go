package bus

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"
)

const (
	headerStatus     = "Status"
	statusUnheard    = "503" // nobody listens to the subject
	ackSeq           = `"seq":`
	ackCount         = `,"count":`
	textUnacceptable = "the store answered what cannot be understood"
)

// acknowledged receives one acknowledgement.
func (b *Bucket) acknowledged(m *nats.Msg) {
	seq, count := parseAck(m.Data, b.stream)
	c, ok := b.pending.take(m.Subject[len(b.pub.inbox):], seq, count)
	if !ok {
		return // too late: its outcome was given as unknown
	}
	revision, err := b.verdict(m, seq, count, c.writes)
	if r := b.rest.Load(); r != nil && err == nil {
		r.committed(revision, c.writes)
	}
	c.done(revision, err)
}

// verdict is the outcome that an acknowledgement tells, of which parseAck has read seq and
// count.
func (b *Bucket) verdict(m *nats.Msg, seq uint64, count, writes int) (revision uint64, err error) {
	if isUnheard(m) {
		return 0, fmt.Errorf("%w: it has no leader", ErrUnavailable)
	}
	if seq == 0 {
		seq, count, err = decodeAck(m.Data, b.stream, writes == 1)
		if err != nil {
			return 0, err
		}
	}
	if seq < uint64(writes) || count != writes {
		return 0, fmt.Errorf("%w: %s: %.200q", ErrUnknown, textUnacceptable, m.Data)
	}
	return seq, nil
}

// parseAck reads the usual acknowledgement,
//
//	{"stream":"KV_x","seq":7}  or  {"stream":"KV_x","seq":7,"batch":"y","count":2}
//
// without a JSON decoder. Of any other it reads nothing: both are 0.
func parseAck(data []byte, stream string) (seq uint64, count int) {
	rest, ok := bytes.CutPrefix(data, []byte(`{"stream":"`))
	if !ok || len(rest) < len(stream) || string(rest[:len(stream)]) != stream {
		return 0, 0
	}
	rest, ok = bytes.CutPrefix(rest[len(stream):], []byte(`",`+ackSeq))
	if !ok {
		return 0, 0
	}
	seq, rest = digits(rest)
	if string(rest) == "}" && seq > 0 {
		return seq, 1
	}
	if !bytes.HasPrefix(rest, []byte(`,"batch":"`)) {
		return 0, 0
	}
	i := bytes.LastIndex(rest, []byte(ackCount))
	if i < 0 {
		return 0, 0
	}
	n, rest := digits(rest[i+len(ackCount):])
	if seq == 0 || n == 0 || n > maxBatch || string(rest) != "}" {
		return 0, 0
	}
	return seq, int(n)
}

// digits reads a decimal number of at most 19 digits; 0 if there is none.
func digits(data []byte) (n uint64, rest []byte) {
	i := 0
	for i < len(data) && i < 19 && '0' <= data[i] && data[i] <= '9' {
		n = n*10 + uint64(data[i]-'0')
		i++
	}
	return n, data[i:]
}

// decodeAck reads any acknowledgement.
func decodeAck(data []byte, stream string, single bool) (seq uint64, count int, err error) {
	var ack struct {
		Error  *apiError `json:"error"`
		Stream string    `json:"stream"`
		Seq    uint64    `json:"seq"`
		Count  *int      `json:"count"`
	}
	if err := json.Unmarshal(data, &ack); err != nil {
		return 0, 0, fmt.Errorf("%w: %s: %.200q", ErrUnknown, textUnacceptable, data)
	}
	if ack.Error != nil {
		return 0, 0, ack.Error.outcome(single)
	}
	if ack.Stream != stream {
		return 0, 0, fmt.Errorf("%w: the stream %.80q took it instead of %s", ErrUnknown, ack.Stream, stream)
	}
	count = 1
	if ack.Count != nil {
		count = *ack.Count
	}
	return ack.Seq, count, nil
}
