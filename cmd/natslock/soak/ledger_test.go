//go:build linux

package soak

import (
	"cmp"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/natslock/natslock/schema"
)

// forever is the end of what nobody has seen the end of.
const forever = time.Duration(1<<62 - 1)

// ledger is the history of one lock, and its guard.
type ledger struct {
	name  string
	guard guard

	mu       sync.Mutex
	steps    []porcupine.Operation
	grants   map[uint64]porcupine.Operation // that callers were told of, by token
	attempts map[string]*attempt            // by owner: each acquire has one of its own
	strays   map[uint64]stray               // by token: holds that callers saw and nobody was told of
	queues   [][]string                     // the owners that waited, in order, whenever somebody looked
	highest  uint64                         // token that a caller was told
}

// attempt is one acquire.
type attempt struct {
	client  int
	mode    schema.Mode
	size    int64
	call    time.Duration
	ret     time.Duration // when it was decided; forever if its caller gave up
	token   uint64        // 0: none
	floor   uint64        // the highest token of the lock when it began
	several bool          // of several locks: it has no place in the queue
	shaken  bool          // the connection was lost meanwhile, or its caller gave up: its grant may have been undone
	settled bool
}

// stray is a hold that somebody saw.
type stray struct {
	owner string
	seen  time.Duration
}

func newLedger(name string) *ledger {
	return &ledger{name: name, grants: map[uint64]porcupine.Operation{}, attempts: map[string]*attempt{}, strays: map[uint64]stray{}}
}

// note writes down a step of a client that was taken between two instants.
func (l *ledger) note(client int, call, ret time.Duration, s step) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.steps = append(l.steps, operation(client, call, ret, s))
}

func operation(client int, call, ret time.Duration, s step) porcupine.Operation {
	return porcupine.Operation{ClientId: client, Call: int64(call), Return: int64(ret), Input: s}
}

// begin writes down that an acquire was begun for an owner.
func (l *ledger) begin(client int, owner string, mode schema.Mode, size int64, several bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts[owner] = &attempt{client: client, mode: mode, size: size, several: several, call: now(), ret: forever, floor: l.highest}
}

// end writes down what came of an acquire: a token, or 0. That the token is not
// larger than one that was known before is an error.
func (l *ledger) end(owner string, token uint64, shaken bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.attempts[owner]
	a.ret, a.token, a.shaken, a.settled = now(), token, shaken, true
	if token == 0 {
		return nil
	}
	if _, twice := l.grants[token]; twice || token <= a.floor {
		return fmt.Errorf("%s: token %d was granted after %d was known", l.name, token, a.floor)
	}
	l.highest = max(l.highest, token)
	l.grants[token] = operation(a.client, a.call, a.ret, step{kind: granted, token: token, mode: a.mode, size: a.size})
	return nil
}

// abandon writes down that the outcome of an acquire will never be known.
func (l *ledger) abandon(owner string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts[owner].shaken, l.attempts[owner].settled = true, true
}

// show writes down who held the lock.
func (l *ledger) show(client int, call, ret time.Duration, holders []schema.Holder) {
	s := step{kind: showed}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range holders {
		token := holders[i].Token
		s.tokens = append(s.tokens, token)
		if before, ok := l.strays[token]; !ok || ret < before.seen {
			l.strays[token] = stray{holders[i].Owner, ret}
		}
	}
	slices.Sort(s.tokens)
	l.steps = append(l.steps, operation(client, call, ret, s))
}

// queue writes down who waited for the lock, in order.
func (l *ledger) queue(waiters []schema.Waiter) {
	if len(waiters) < 2 {
		return
	}
	owners := make([]string, len(waiters))
	for i := range waiters {
		owners[i] = waiters[i].Owner
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queues = append(l.queues, owners)
}

// check finds out, when all is over, whether the lock has kept its promises.
func (l *ledger) check(patience time.Duration, dir string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.adoptStrays(); err != nil {
		return err
	}
	if err := l.fifo(); err != nil {
		return err
	}
	history := slices.Clone(l.steps)
	prev := uint64(0)
	for _, token := range slices.Sorted(maps.Keys(l.grants)) {
		grant := l.grants[token]
		s := grant.Input.(step)
		s.prev, prev = prev, token
		grant.Input = s
		history = append(history, grant)
	}
	result, info := porcupine.CheckOperationsVerbose(model, history, patience)
	if result == porcupine.Ok {
		return nil
	}
	return fmt.Errorf("%s: history of %d operations: %s; %s", l.name, len(history), result, draw(info, history, dir, l.name))
}

// draw writes down a history that makes no sense: as a picture, and as text in
// the order in which operations began.
func draw(info porcupine.LinearizationInfo, history []porcupine.Operation, dir, name string) string {
	path := filepath.Join(dir, name)
	text := ""
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	for _, o := range history {
		text += fmt.Sprintf("%9.3f %9.3f %4d %v\n", time.Duration(o.Call).Seconds(), time.Duration(o.Return).Seconds(), o.ClientId, o.Input)
	}
	err := os.MkdirAll(dir, 0o755)
	if err == nil {
		err = os.WriteFile(path+".txt", []byte(text), 0o644)
	}
	if err == nil {
		err = porcupine.VisualizePath(model, info, path+".html")
	}
	if err != nil {
		return err.Error()
	}
	return "see " + path + ".html and .txt"
}

// adoptStrays takes in the holds of which no caller was told: each must be of
// an acquire whose grant may have been undone.
func (l *ledger) adoptStrays() error {
	for token, s := range l.strays {
		if _, known := l.grants[token]; known {
			continue
		}
		a := l.attempts[s.owner]
		if a == nil {
			return fmt.Errorf("%s: hold %d is of %q, who never asked", l.name, token, s.owner)
		}
		if !a.shaken {
			return fmt.Errorf("%s: hold %d of %q was seen, who was told %d over one connection", l.name, token, s.owner, a.token)
		}
		l.grants[token] = operation(a.client, a.call, min(a.ret, s.seen), step{kind: granted, token: token, mode: a.mode, size: a.size})
		l.steps = append(l.steps, operation(a.client, a.call, a.ret, step{kind: lapsed, token: token}))
	}
	return nil
}

// fifo compares the order of grants with the order in which waiters were seen
// to wait. Those that lost their connection may have been passed over.
func (l *ledger) fifo() error {
	for _, queue := range l.queues {
		before := uint64(0)
		for _, owner := range queue {
			a := l.attempts[owner]
			if a == nil {
				return fmt.Errorf("%s: %q waits, who never asked", l.name, owner)
			}
			if a.several || a.shaken || a.token == 0 {
				continue
			}
			if a.token < before {
				return fmt.Errorf("%s: %q, with token %d, was overtaken by %d", l.name, owner, a.token, before)
			}
			before = a.token
		}
	}
	return nil
}

// size is how many operations the history has.
func (l *ledger) size() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.steps) + len(l.grants)
}

// guard is what a lock guards: it sees who uses it at the same time, and with
// which token.
type guard struct {
	mu        sync.Mutex
	inside    map[*visit]struct{}
	highest   uint64 // of all visits
	exclusive uint64 // of the exclusive ones
}

// visit is one use of what a lock guards, by a holder who believes that it
// holds the lock as long as its window is open.
type visit struct {
	token    uint64
	mode     schema.Mode
	size     int64
	believes func() bool
}

// enter begins a visit. Two that exclude each other, or a token smaller than
// one that was seen, are an error, unless the visitor has stopped believing.
func (g *guard) enter(v *visit) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.inside == nil {
		g.inside = map[*visit]struct{}{}
	}
	others := 1
	for o := range g.inside {
		if !o.believes() {
			continue
		}
		others++
		if (v.mode != schema.ModeShared || o.mode != schema.ModeShared) && v.believes() {
			return fmt.Errorf("%d (%s) and %d (%s) are held at once", o.token, o.mode, v.token, v.mode)
		}
	}
	if v.size > 0 && int64(others) > v.size && v.believes() {
		return fmt.Errorf("%d holders of %d at once", others, v.size)
	}
	least := g.exclusive
	if v.mode != schema.ModeShared {
		least = g.highest
	}
	if v.token <= least && v.believes() {
		return fmt.Errorf("token %d comes after %d", v.token, least)
	}
	g.inside[v] = struct{}{}
	g.highest = max(g.highest, v.token)
	if v.mode != schema.ModeShared {
		g.exclusive = max(g.exclusive, v.token)
	}
	return nil
}

// leave ends a visit; nil is none.
func (g *guard) leave(v *visit) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.inside, v)
}

// generation is the locks of a while: histories must not become long.
type generation struct {
	number  int
	ledgers map[string]*ledger
	users   sync.WaitGroup
}

// The families of locks, by what is done to them.
const (
	famHot    = "hot"    // many want the few
	famOwn    = "own"    // hardly anybody wants the same
	famSem    = "sem"    // semaphores
	famRW     = "rw"     // shared and exclusive
	famMulti  = "multi"  // several at once
	famShort  = "short"  // left to their TTL
	famForced = "forced" // ended by others
	famKept   = "kept"   // held long, and renewed
	famMortal = "mortal" // held by presence, by those who may die
)

// families says how many locks of each there are.
var families = map[string]int{famHot: 2, famOwn: 40, famSem: 2, famRW: 2, famMulti: 5, famShort: 16, famForced: 2, famKept: 6, famMortal: 6}

func newGeneration(number int) *generation {
	g := &generation{number: number, ledgers: map[string]*ledger{}}
	for family, n := range families {
		for i := range n {
			name := lockName(family, number, i)
			g.ledgers[name] = newLedger(name)
		}
	}
	return g
}

func lockName(family string, number, i int) string { return fmt.Sprintf("%s-%d-%d", family, number, i) }

// longest is the length of its longest history.
func (g *generation) longest() (n int) {
	for _, l := range g.ledgers {
		n = max(n, l.size())
	}
	return n
}

// check checks all its histories, and returns the number of operations.
func (g *generation) check(dir string) (n int, errs []error) {
	names := slices.SortedFunc(maps.Keys(g.ledgers), cmp.Compare[string])
	for _, name := range names {
		l := g.ledgers[name]
		n += l.size()
		if err := l.check(checkFor, dir); err != nil {
			errs = append(errs, err)
		}
	}
	return n, errs
}
