package lock

import "testing"

func TestRecordsSayWhetherTheyAreFreeOrEmpty(t *testing.T) {
	parked := Waiter{Attempt: 1, Arrival: 1, Parked: true}
	for _, c := range []struct {
		name        string
		r           Record
		free, empty bool
	}{
		{"zero", Record{}, true, true},
		{"arrivals", Record{Arrived: 9}, true, true},
		{"remembers", Record{Ended: Ends("").With(EndHold, 1)}, true, false},
		{"held", Record{Holds: []Hold{{}}}, false, false},
		{"parked", Record{Waiters: []Waiter{parked}}, false, false},
		{"set", Record{Sets: []Set{{Waiter: parked}}}, false, false},
	} {
		if c.r.Free() != c.free || c.r.Empty() != c.empty {
			t.Errorf("%s: free %v, empty %v", c.name, c.r.Free(), c.r.Empty())
		}
	}
}

func TestHoldsAreFoundByOwnerAndToken(t *testing.T) {
	r := Record{Holds: []Hold{{Client: "x", Owner: "a", Token: 300}, {Client: "y", Owner: "a", Token: 301}}}
	for _, c := range []struct {
		client, owner string
		want          Token
	}{{"x", "a", 300}, {"y", "a", 301}, {"x", "b", 0}, {"", "a", 0}} {
		if h, ok := r.HoldOf(c.client, c.owner); h.Token != c.want || ok != (c.want != 0) {
			t.Errorf("HoldOf(%q, %q) is %+v, %v", c.client, c.owner, h, ok)
		}
	}
	for token, want := range map[Token]string{300: "x", 301: "y", 302: "", 0: ""} {
		if h, ok := r.HoldByToken(token); h.Client != want || ok != (want != "") {
			t.Errorf("HoldByToken(%d) is %+v, %v", token, h, ok)
		}
	}
}
