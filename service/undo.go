package service

import (
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/natslock/natslock/service/lock"
)

// undoSubject is the reply subject of a grant. Where nobody listens to the
// grant, NATS sends "no responders" to it, and all that is needed to undo the
// grant stands in it: the lock, the attempt, and the inbox that did not hear.
// A proof keeps callers, who see it, from making one for another's hold.
func (w *Worker) undoSubject(key string, attempt lock.Attempt, inbox lock.Inbox) string {
	hash := inbox.Hash()
	b := make([]byte, 0, len(w.undoPrefix)+len(key)+56)
	b = append(b, w.undoPrefix...)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(attempt), 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, hash, 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, w.undoProof(key, attempt, hash), 36)
	b = append(b, '.')
	b = append(b, key...)
	return string(b)
}

func (w *Worker) undoProof(key string, attempt lock.Attempt, inbox uint64) uint64 {
	var h maphash.Hash
	h.SetSeed(w.undoSeed)
	maphash.WriteComparable(&h, attempt)
	maphash.WriteComparable(&h, inbox)
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
	key, attempt := tokens[3], lock.Attempt(numbers[0])
	if w.undoProof(key, attempt, numbers[1]) != numbers[2] {
		w.log.Warn("forged notice of an unheard grant", "key", key)
		return
	}
	w.submit(key, &job{command: lock.Undo{Attempt: attempt, Inbox: numbers[1]}, inner: true})
}
