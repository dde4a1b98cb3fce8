package service

import (
	"encoding/binary"
	"math/rand/v2"
	"sync/atomic"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/service/lock"
)

// A stored value is a record and behind it the mark of the write, eight bytes
// that no other write has. Two workers may do the same to a lock: without the
// mark, each could take the other's write for its own whose outcome it does not
// know, and tell everybody what came of it once more.
const markBytes = 8

// mark counts the writes of a worker, from anywhere.
type mark struct{ last atomic.Uint64 }

func newMark() *mark {
	m := new(mark)
	m.last.Store(rand.Uint64())
	return m
}

// encode appends to dst what is to be stored of r, by one write.
func (m *mark) encode(dst []byte, r *lock.Record) []byte {
	return binary.LittleEndian.AppendUint64(r.Append(dst), m.last.Add(1))
}

// decode reads what was stored. A key that is not there, or was deleted by
// hand, is a free lock.
func decode(e bus.Entry) (lock.Record, error) {
	if len(e.Value) == 0 {
		return lock.Record{}, nil
	}
	if len(e.Value) < markBytes {
		return lock.Record{}, lock.ErrDamaged
	}
	return lock.Decode(e.Value[:len(e.Value)-markBytes], e.Revision)
}
