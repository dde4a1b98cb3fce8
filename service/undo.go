package service

import (
	"hash/maphash"
	"strconv"
	"strings"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// undo is what it takes to undo a grant that nobody hears: the lock, the token, and which
// answer it is that tells of it. The zero undo is of no grant.
type undo struct {
	key    string
	token  lock.Token
	answer uint8
}

// undoOf is that of a reply about a, if it is a grant.
func undoOf(a *actor, r *schema.Reply, answer uint8) undo {
	if r.Status != schema.StatusGranted {
		return undo{}
	}
	return undo{key: a.key, token: lock.Token(r.Token), answer: answer}
}

// undoSubject is the reply subject of a grant. Where nobody listens to the
// grant, NATS sends "no responders" to it, and all that is needed to undo the
// grant stands in it. A proof keeps callers, who see it, from making one for another's
// hold. It is "" for what is no grant, and for a grant that no undo ends.
func (w *Worker) undoSubject(u undo) string {
	if u.key == "" || u.answer >= lock.MaxRepeats {
		return ""
	}
	b := make([]byte, 0, len(w.undoPrefix)+len(u.key)+32)
	b = append(b, w.undoPrefix...)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(u.token), 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, uint64(u.answer), 36)
	b = append(b, '.')
	b = strconv.AppendUint(b, w.undoProof(u), 36)
	b = append(b, '.')
	b = append(b, u.key...)
	return string(b)
}

func (w *Worker) undoProof(u undo) uint64 {
	var h maphash.Hash
	h.SetSeed(w.undoSeed)
	maphash.WriteComparable(&h, u.token)
	maphash.WriteComparable(&h, u.answer)
	_, _ = h.WriteString(u.key) // a hash never fails
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
	u := undo{key: tokens[3], token: lock.Token(numbers[0]), answer: uint8(numbers[1])}
	if w.undoProof(u) != numbers[2] {
		w.log.Warn("forged notice of an unheard grant", "key", u.key)
		return
	}
	w.submit(u.key, &job{command: lock.Undo{Token: u.token, Answer: u.answer}, inner: true})
}
