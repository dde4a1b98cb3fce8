package lock

import (
	"encoding/binary"
	"iter"
	"strings"
)

// Ended is an attempt that is over, remembered so that a late repeat of it
// grants nothing.
type Ended struct {
	Attempt Attempt
	End     End
}

// Ends are remembered attempts, oldest first, packed as they are stored: a busy lock has
// MaxEnded of them, which go from write to write more often than anybody looks at them.
type Ends string

// Len is how many there are.
func (e Ends) Len() int { return len(e) / endedBytes }

// At is one of them.
func (e Ends) At(i int) Ended {
	one := e[i*endedBytes:][:endedBytes]
	return Ended{Attempt(binary.LittleEndian.Uint64([]byte(one[:attemptBytes]))), End(one[attemptBytes])}
}

// All are all of them, oldest first.
func (e Ends) All() iter.Seq[Ended] {
	return func(yield func(Ended) bool) {
		for i := range e.Len() {
			if !yield(e.At(i)) {
				return
			}
		}
	}
}

// With returns them and some more, which ended alike, without the oldest beyond MaxEnded.
func (e Ends) With(end End, attempts ...Attempt) Ends {
	attempts = attempts[max(0, len(attempts)-MaxEnded):]
	if n := e.Len() + len(attempts) - MaxEnded; n > 0 {
		e = e[n*endedBytes:]
	}
	var b strings.Builder
	b.Grow(len(e) + len(attempts)*endedBytes)
	b.WriteString(string(e))
	var one [endedBytes]byte
	for _, a := range attempts {
		binary.LittleEndian.PutUint64(one[:], uint64(a))
		one[attemptBytes] = byte(end)
		b.Write(one[:])
	}
	return Ends(b.String())
}

// find is at which index a is, or -1.
func (e Ends) find(a Attempt) int {
	var b [attemptBytes]byte
	binary.LittleEndian.PutUint64(b[:], uint64(a))
	for i, wanted := 0, Ends(b[:]); i < len(e); i += endedBytes {
		if e[i:i+attemptBytes] == wanted {
			return i / endedBytes
		}
	}
	return -1
}

// known reports whether each of them ended in a way that there is.
func (e Ends) known() bool {
	for i := attemptBytes; i < len(e); i += endedBytes {
		if end := End(e[i]); end < EndTimeout || end > EndMismatch {
			return false
		}
	}
	return true
}
