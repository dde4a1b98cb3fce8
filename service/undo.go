package service

import (
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/natslock/natslock/service/lock"
)

// undoSubject is the reply subject of a grant. Where nobody listens to the
// grant, NATS sends "no responders" to it, and all that is needed to undo the
// grant stands in it: the lock, the token, and which answer it was that nobody
// heard. A proof keeps callers, who see it, from making one for another's hold.
// It is "" for a grant that no undo ends.
func (w *Worker) undoSubject(key string, token lock.Token, answer uint8) string {
	if answer >= lock.MaxRepeats {
		return ""
	}
	b := make([]byte, 0, len(w.undoPrefix)+len(key)+32)
	b = append(b, w.undoPrefix...)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(token), 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(answer), 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, w.undoProof(key, token, answer), 36)
	b = append(b, '.')
	b = append(b, key...)
	return string(b)
}

func (w *Worker) undoProof(key string, token lock.Token, answer uint8) uint64 {
	var h maphash.Hash
	h.SetSeed(w.undoSeed)
	maphash.WriteComparable(&h, token)
	maphash.WriteComparable(&h, answer)
	_, _ = h.WriteString(key) // a hash never fails
	return h.Sum64()
}

// unheard hears that a grant was sent to nobody.
func (w *Worker) unheard(subject string) {
	tokens := strings.SplitN(strings.TrimPrefix(subject, w.undoPrefix+"."), ".", 4)
	if len(tokens) != 4 {
		return
	}
	var numbers [3]uint64
	for i := range numbers {
		n, err := strconv.ParseUint(tokens[i], 36, 64)
		if err != nil {
			return
		}
		numbers[i] = n
	}
	key, undo := tokens[3], lock.Undo{Token: lock.Token(numbers[0]), Answer: uint8(numbers[1])}
	if w.undoProof(key, undo.Token, undo.Answer) != numbers[2] {
		w.log.Warn("forged notice of an unheard grant", "key", key)
		return
	}
	w.submit(key, &job{command: undo, inner: true})
}
