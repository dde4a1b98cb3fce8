package lockd

import (
	"cmp"
	"io"
	"slices"
	"sync"
)

// names are what connections have said that they are called, in the order of their
// addresses. All of them are told a page at a time, so that nobody waits for long, however
// many there are and however slow who asked is.
type names struct {
	mu    sync.RWMutex
	of    map[*conn]*named
	order []*named
	count uint64 // of all that there have been
}

// named is a connection that has a name.
type named struct {
	place
	name string
	line string // as others are shown it
}

// place is where a connection stands among those that have names. Two may have the
// same address, by two listeners.
type place struct {
	address string
	number  uint64 // from 1, in the order in which they were named
}

func (p place) compare(q place) int {
	return cmp.Or(cmp.Compare(p.address, q.address), cmp.Compare(p.number, q.number))
}

func (n *named) compare(p place) int { return n.place.compare(p) }

// give gives a connection a name, or another one, or with "" takes it away.
func (n *names) give(c *conn, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	has := n.of[c]
	switch {
	case has == nil && name == "":
		return
	case name == "":
		i, _ := slices.BinarySearchFunc(n.order, has.place, (*named).compare)
		n.order = slices.Delete(n.order, i, i+1)
		delete(n.of, c)
		return
	case has == nil:
		n.count++
		has = &named{place: place{c.address, n.count}}
		i, _ := slices.BinarySearchFunc(n.order, has.place, (*named).compare)
		n.order = slices.Insert(n.order, i, has)
		n.of[c] = has
	}
	has.name, has.line = name, pair(c.address, name)
}

// nameOf is what a connection is called: by its address, if it has no name.
func (n *names) nameOf(c *conn) string {
	n.mu.RLock()
	defer n.mu.RUnlock()
	if has := n.of[c]; has != nil {
		return has.name
	}
	return c.address
}

// namesAtOnce is how many are looked at while others wait.
const namesAtOnce = 128

// tell writes the lines of those of a name, or with "" of all, who had one when it
// began.
func (n *names) tell(w io.Writer, name string) error {
	n.mu.RLock()
	newest := n.count
	n.mu.RUnlock()
	var space [namesAtOnce]string
	for at, more := (place{}), true; more; {
		var lines []string
		lines, at, more = n.page(space[:0], at, newest, name)
		for _, line := range lines {
			if err := say(w, line); err != nil {
				return err
			}
		}
	}
	return nil
}

// page returns the lines of some that come after a place, the place of the last one that
// was looked at, and whether there are more after it.
func (n *names) page(lines []string, after place, newest uint64, name string) ([]string, place, bool) {
	n.mu.RLock()
	defer n.mu.RUnlock()
	first, found := slices.BinarySearchFunc(n.order, after, (*named).compare)
	if found {
		first++
	}
	end := min(first+namesAtOnce, len(n.order))
	for _, has := range n.order[first:end] {
		if has.number <= newest && (name == "" || name == has.name) {
			lines = append(lines, has.line)
		}
		after = has.place
	}
	return lines, after, end < len(n.order)
}
