package presence

import (
	"encoding/binary"
	"errors"

	"github.com/natslock/natslock/schema"
)

// The versions of the encoding. What is newer was written by a later natslock. A
// record without changes is written as it always was.
const (
	version       = 1
	versionChange = 2 // Change is behind the rest
)

// told is the bit beside the state that says so.
const told = 1 << 7

// The errors of Decode.
var (
	ErrDamaged      = errors.New("the record of the session is damaged")
	ErrNewerVersion = errors.New("the record of the session was written by a later version")
)

// Append appends the encoded record to dst.
func (r Record) Append(dst []byte) []byte {
	state := byte(r.State)
	if r.Told {
		state |= told
	}
	v := byte(version)
	if r.Change > 0 {
		v = versionChange
	}
	dst = append(dst, v, state)
	dst = appendText(dst, r.Client)
	dst = appendText(dst, r.Server)
	for _, n := range [...]uint64{r.Epoch, uint64(r.TTL), uint64(r.Grace), r.CID, r.N, uint64(r.Opened)} {
		dst = binary.AppendUvarint(dst, n)
	}
	if r.Change > 0 {
		dst = binary.AppendUvarint(dst, r.Change)
	}
	return dst
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

// Decode reads a record that Append wrote and that was stored at revision, and
// seals it. Nothing of value is kept. An empty value is a key that was deleted.
// Errors: ErrNewerVersion, ErrDamaged.
func Decode(value []byte, revision uint64) (Record, error) {
	if len(value) == 0 {
		return Record{}, nil
	}
	d := decoder{rest: value}
	v := d.byte()
	switch {
	case v > versionChange:
		return Record{}, ErrNewerVersion
	case v < version:
		return Record{}, ErrDamaged
	}
	state := d.byte()
	r := Record{State: State(state &^ told), Told: state&told != 0}
	r.Client = d.text(schema.MaxClient)
	r.Server = d.text(schema.MaxID)
	r.Epoch = d.number(schema.MaxToken)
	r.TTL = int64(d.number(schema.MaxSessionTTL))
	r.Grace = int64(d.number(schema.MaxGrace))
	r.CID = d.number(1<<64 - 1)
	r.N = d.number(schema.MaxToken)
	r.Opened = int64(d.number(1<<63 - 1))
	if v == versionChange {
		if r.Change = d.number(schema.MaxToken); r.Change == 0 {
			d.damage()
		}
	}
	untimed := r.State == Open && r.TTL < schema.MinSessionTTL
	if d.damaged || len(d.rest) > 0 || r.State < Open || r.State > Disconnected || untimed {
		return Record{}, ErrDamaged
	}
	return r.Seal(revision), nil
}

// decoder takes values off the front of rest. Once it is damaged, every value
// is zero.
type decoder struct {
	rest    []byte
	damaged bool
}

func (d *decoder) damage() { d.rest, d.damaged = nil, true }

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.damage()
		return 0
	}
	b := d.rest[0]
	d.rest = d.rest[1:]
	return b
}

func (d *decoder) number(most uint64) uint64 {
	n, size := binary.Uvarint(d.rest)
	if size <= 0 || n > most || size > 1 && n>>(7*(size-1)) == 0 {
		d.damage() // also what is written longer than it need be
		return 0
	}
	d.rest = d.rest[size:]
	return n
}

func (d *decoder) text(most int) string {
	n := d.number(uint64(most))
	if n > uint64(len(d.rest)) {
		d.damage()
		return ""
	}
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}
