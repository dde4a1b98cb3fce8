package lockd

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// written takes what is written and may have something done meanwhile.
type written struct {
	strings.Builder
	meanwhile func()
}

func (w *written) Write(p []byte) (int, error) { return w.WriteString(string(p)) }

func (w *written) WriteString(s string) (int, error) {
	if w.meanwhile != nil {
		w.meanwhile()
	}
	return w.Builder.WriteString(s)
}

// who is what is told of those of a name.
func (n *names) who(t *testing.T, name string) string {
	t.Helper()
	var w written
	if err := n.tell(&w, name); err != nil {
		t.Fatal(err)
	}
	return w.String()
}

func newNames() *names { return &newRegistry().names }

// crowd gives names to many connections, of which some have the same address.
func crowd(n *names, many int) (all []*conn) {
	for i := range many {
		c := &conn{address: fmt.Sprintf("10.0.0.1:%d", i*7919%many/2)}
		n.give(c, fmt.Sprint("number ", i%10))
		all = append(all, c)
	}
	return all
}

func TestNamesAreThoseThatWereGiven(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	n, all := newNames(), []*conn{}
	for i := range 700 {
		all = append(all, &conn{address: fmt.Sprintf("10.0.0.%d:%d", i%3, i/2)})
	}
	given := map[*conn]string{}
	for range 3000 {
		c, name := all[r.IntN(len(all))], []string{"", "ann", "ben"}[r.IntN(3)]
		n.give(c, name)
		if given[c] = name; name == "" {
			delete(given, c)
		}
	}
	for _, name := range []string{"", "ann", "ben", "eve"} {
		var want []string
		for c, has := range given {
			if name == "" || has == name {
				want = append(want, c.address+": "+has)
			}
		}
		got := strings.Split(strings.TrimSuffix(n.who(t, name), "\n"), "\n")
		if len(want) == 0 {
			want = []string{""}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q: %s", name, diff)
		}
	}
	for _, c := range all {
		if got := n.nameOf(c); got != given[c] && got != c.address {
			t.Errorf("%s is called %q", c.address, got)
		}
	}
}

// TestNamesAreToldWhileTheyChange has others come, go and change their names while all
// are being told, which none of them waits for: everybody who stays is told once, and
// nobody who has come since.
func TestNamesAreToldWhileTheyChange(t *testing.T) {
	n, all := newNames(), []*conn{}
	r := rand.New(rand.NewPCG(3, 4))
	stays := map[string]int{}
	for i := range 5 * namesAtOnce {
		c := &conn{address: fmt.Sprintf("10.0.0.1:%d", i*7919%1000)}
		if i%2 == 0 {
			c.address += " stays"
			stays[c.address]++
		}
		n.give(c, "first")
		all = append(all, c)
	}
	w := written{meanwhile: func() {
		n.give(all[r.IntN(len(all)/2)*2], "second")
		n.give(all[r.IntN(len(all)/2)*2+1], "")
		n.give(&conn{address: fmt.Sprintf("10.0.0.1:%d new", r.IntN(1000))}, "late")
	}}
	if err := n.tell(&w, ""); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(w.String()) {
		address, name, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if name == "late" {
			t.Errorf("%s has come since", address)
		}
		if strings.HasSuffix(address, " stays") {
			stays[address]--
		}
	}
	for address, left := range stays {
		if left != 0 {
			t.Errorf("%s is told %d times too few", address, left)
		}
	}
}

// TestNamesAreToldWithoutMemory shows that to tell many takes no more memory than to
// tell a few.
func TestNamesAreToldWithoutMemory(t *testing.T) {
	for _, many := range []int{10, 5000} {
		n := newNames()
		crowd(n, many)
		if got := testing.AllocsPerRun(10, func() { _ = n.tell(io.Discard, "") }); got > 1 {
			t.Errorf("%d names: %g allocations", many, got)
		}
	}
}

func TestNamesAreNotToldToOneThatIsGone(t *testing.T) {
	n := newNames()
	crowd(n, 3)
	r, w := io.Pipe()
	_ = r.Close()
	if err := n.tell(w, ""); err != io.ErrClosedPipe {
		t.Error(err)
	}
}
