package lockd

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// registry is what this gateway knows of its connections: their names, and what it
// counts.
type registry struct {
	names names

	mu      sync.Mutex
	seats   map[string]*conn // by session
	held    [2]map[string]int
	orphans [2]uint64
	counts  map[verb]uint64
	invalid uint64
	open    int // connections
}

// always are the commands that are counted from the start: the others when they
// are first used.
var always = []verb{show, dump, get, inspect, stats, release, showShared, getShared, inspectShared, releaseShared}

func newRegistry() *registry {
	r := &registry{
		names: names{of: map[*conn]*named{}}, seats: map[string]*conn{}, counts: map[verb]uint64{},
		held: [2]map[string]int{{}, {}},
	}
	for _, v := range always {
		r.counts[v] = 0
	}
	return r
}

// enter takes in a connection.
func (r *registry) enter() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open++
}

// exit forgets a connection and its name.
func (r *registry) exit(c *conn) {
	r.names.give(c, "")
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
}

// count counts a command.
func (r *registry) count(v verb) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if v == none {
		r.invalid++
		return
	}
	r.counts[v]++
}

// seat takes note of the session of a connection.
func (r *registry) seat(session string, c *conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seats[session] = c
}

func (r *registry) unseat(session string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.seats, session)
}

// hold takes note of a lock that a connection has taken, and free that it is gone.
func (r *registry) hold(k Kind, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held[k][name]++
}

func (r *registry) free(k Kind, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.freeLocked(k, name)
}

func (r *registry) freeLocked(k Kind, name string) {
	if r.held[k][name]--; r.held[k][name] == 0 {
		delete(r.held[k], name)
	}
}

// orphan takes note of what a connection held when it ended.
func (r *registry) orphan(k Kind, held map[string]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name := range held {
		r.orphans[k]++
		r.freeLocked(k, name)
	}
}

// holderName is what a holder is called: by its address, if it is not known here.
func (r *registry) holderName(h Holder) string {
	r.mu.Lock()
	c := r.seats[h.Session]
	r.mu.Unlock()
	if c == nil {
		return h.Address
	}
	return r.names.nameOf(c)
}

// stats returns what is counted.
func (r *registry) stats() string {
	r.mu.Lock()
	numbers := map[string]uint64{
		"connections": uint64(r.open), "invalid_commands": r.invalid,
		"locks": uint64(len(r.held[Exclusive])), "shared_locks": uint64(len(r.held[Shared])),
		"orphans": r.orphans[Exclusive], "shared_orphans": r.orphans[Shared],
	}
	for v, n := range r.counts {
		numbers["command_"+string(v)] = n
	}
	r.mu.Unlock()
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(numbers)) {
		text.WriteString(key + ": " + strconv.FormatUint(numbers[key], 10) + "\n")
	}
	return text.String()
}
