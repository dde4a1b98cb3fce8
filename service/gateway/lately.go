package gateway

// Lately is what is known of the last grants, by their tokens: of so many that an older
// one is forgotten for each that is kept. It is not to be used concurrently.
type Lately[V any] struct {
	of     map[uint64]V
	tokens []uint64 // in a ring
	next   int
}

// NewLately makes one that knows of at most so many.
func NewLately[V any](most int) *Lately[V] {
	return &Lately[V]{of: map[uint64]V{}, tokens: make([]uint64, most)}
}

// Keep takes note of a grant.
func (l *Lately[V]) Keep(token uint64, v V) {
	delete(l.of, l.tokens[l.next])
	l.tokens[l.next], l.of[token] = token, v
	l.next = (l.next + 1) % len(l.tokens)
}

// Find returns what is known of one, and whether anything is.
func (l *Lately[V]) Find(token uint64) (V, bool) {
	v, ok := l.of[token]
	return v, ok
}

// Drop forgets one.
func (l *Lately[V]) Drop(token uint64) { delete(l.of, token) }
