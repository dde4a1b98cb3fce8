package gateway

import "testing"

func TestTheLastGrantsAreKnown(t *testing.T) {
	l := NewLately[int](3)
	know := func(want ...uint64) {
		t.Helper()
		for _, token := range want {
			if got, ok := l.Find(token); !ok || got != int(token) {
				t.Errorf("%d: %d, %v", token, got, ok)
			}
		}
		if len(l.of) != len(want) {
			t.Errorf("%v are known, want %d", l.of, want)
		}
	}
	know()
	for token := range uint64(5) {
		l.Keep(token+1, int(token+1))
	}
	know(3, 4, 5)
	l.Drop(4)
	l.Drop(4)
	know(3, 5)
	l.Keep(6, 6)
	l.Keep(7, 7)
	know(5, 6, 7)
}
