package lock

import "testing"

// Records are read by later versions: an attempt has to stay the same number.
func TestAttemptsAreIdentifiedForEver(t *testing.T) {
	for _, c := range []struct {
		client, request string
		want            Attempt
	}{
		{"", "", 0x6e340b9cffb37a98},
		{"orders", "7", 0x09a8182196a22a7c},
	} {
		if got := Identify(c.client, c.request); got != c.want {
			t.Errorf("Identify(%q, %q) = %#x, want %#x", c.client, c.request, got, c.want)
		}
	}
}

func TestAttemptsAreUnambiguous(t *testing.T) {
	seen := map[Attempt][2]string{}
	long := string(make([]byte, 300))
	for _, c := range [][2]string{
		{"", ""}, {"a", ""}, {"", "a"}, {"ab", "c"}, {"a", "bc"}, {"", "abc"}, {"abc", ""},
		{"\x01", "a"}, {"", "\x01a"}, {long, "x"}, {long + "x", ""},
	} {
		a := Identify(c[0], c[1])
		if other, ok := seen[a]; ok || a == 0 {
			t.Errorf("%q is %#x, as %q", c, a, other)
		}
		seen[a] = c
	}
}

func TestAttemptsAreFoundWhereTheyAre(t *testing.T) {
	f := NewFold(Record{})
	for _, c := range []Command{
		Acquire{Attempt: 1, Owner: "a", TTL: 10},
		Acquire{Attempt: 2, Owner: "a", TTL: 10},
		Acquire{Attempt: 3, Owner: "b", TTL: 10, Wait: 10},
		Note{Set{Waiter: Waiter{Attempt: 4, Owner: "c"}, Names: []string{"x", "y"}}},
		Cancel{Attempt: 5},
	} {
		f.Apply(c)
	}
	r := f.Record()
	for a, want := range map[Attempt]Place{1: InHold, 2: InAlready, 3: InWaiters, 4: InSets, 5: InEnded, 6: Nowhere} {
		if got := r.FindAttempt(a); got != want {
			t.Errorf("attempt %d is in place %d, want %d", a, got, want)
		}
	}
}
