package httpapi

import (
	"fmt"
	"testing"
)

func TestTheLastSolesAreKnownOnce(t *testing.T) {
	const kept, more = maxSoles, 10
	s := newSoles()
	for token := range uint64(kept + more) {
		s.keep(token+1, fmt.Sprint(token+1))
	}
	for token, want := range map[uint64]string{0: "", 1: "", more: "", more + 1: fmt.Sprint(more + 1), kept + more: fmt.Sprint(kept + more)} {
		if got := s.take(token); got != want {
			t.Errorf("%d: %q", token, got)
		}
		if got := s.take(token); got != "" {
			t.Errorf("%d again: %q", token, got)
		}
	}
}
