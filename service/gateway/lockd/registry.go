package lockd

import (
	"slices"
	"strconv"
	"strings"
	"sync"
)

// registry is what this gateway knows of its connections: their names, and what it
// counts.
type registry struct {
	mu      sync.Mutex
	names   map[*conn]string
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
		names: map[*conn]string{}, seats: map[string]*conn{}, counts: map[verb]uint64{},
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
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open--
	delete(r.names, c)
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

// rename gives a connection a name, or with "" takes it away.
func (r *registry) rename(c *conn, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if name == "" {
		delete(r.names, c)
		return
	}
	r.names[c] = name
}

// nameOf is what a connection is called.
func (r *registry) nameOf(c *conn) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.nameLocked(c)
}

func (r *registry) nameLocked(c *conn) string {
	if name, named := r.names[c]; named {
		return name
	}
	return c.address
}

// holderName is what a holder is called: by its address, if it is not known here.
func (r *registry) holderName(h Holder) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if c := r.seats[h.Session]; c != nil {
		return r.nameLocked(c)
	}
	return h.Address
}

// who returns who has a name, or with "" any name.
func (r *registry) who(name string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for c, has := range r.names {
		if name == "" || name == has {
			lines = append(lines, pair(c.address, has))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// stats returns what is counted.
func (r *registry) stats() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	lines := []string{
		count("connections", uint64(r.open)), count("invalid_commands", r.invalid),
		count("locks", uint64(len(r.held[Exclusive]))), count("shared_locks", uint64(len(r.held[Shared]))),
		count("orphans", r.orphans[Exclusive]), count("shared_orphans", r.orphans[Shared]),
	}
	for v, n := range r.counts {
		lines = append(lines, count("command_"+string(v), n))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func count(key string, n uint64) string { return key + ": " + strconv.FormatUint(n, 10) + "\n" }
