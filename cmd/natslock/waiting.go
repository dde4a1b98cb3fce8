package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/cmd/natslock/text"
)

// tellEvery is how often it is looked why a lock is not granted.
const tellEvery = time.Second

// waiting is an acquire that waits, as its command tells of it on a terminal.
type waiting struct {
	session *session
	names   []string
	owner   string
	now     func() time.Time
}

// freshOwner is an owner that nobody else has, and by which a waiter finds
// itself in the queue.
func freshOwner() string { return strconv.Itoa(os.Getpid()) + "-" + rand.Text() }

// tells is whether to say on standard error what is waited for.
func (c *caller) tells(sys *system, quiet bool) bool {
	return !quiet && !c.JSON && isTerminal(sys.err)
}

// tell says what is waited for, whenever that changes, until ctx ends.
func (w *waiting) tell(ctx context.Context, sys *system) {
	tick := time.NewTicker(tellEvery)
	defer tick.Stop()
	for last := ""; ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		id, why := w.obstacle(ctx)
		if ctx.Err() != nil || id == last {
			continue
		}
		last = id
		_, _ = fmt.Fprintln(sys.err, text.Printable("natslock: waiting for "+why))
	}
}

// obstacle says why the locks are not granted, and what identifies that: the
// holders' tokens, or that nobody answers.
func (w *waiting) obstacle(ctx context.Context) (id, why string) {
	states, err := w.session.Inspect(ctx, w.names...)
	if err != nil {
		return "away", quoted(w.names[0]) + ": " + err.Error()
	}
	for i := range states {
		if len(states[i].Holders) > 0 {
			return w.held(&states[i])
		}
	}
	return "queue", quoted(w.names[0]) + w.before(&states[0])
}

// held is the obstacle that one of the locks is.
func (w *waiting) held(l *client.LockState) (id, why string) {
	for _, h := range l.Holders {
		id += fmt.Sprint(h.Token, " ")
	}
	first := l.Holders[0]
	why = fmt.Sprintf("%s: held by %s since %s", quoted(l.Name), named(first.Client), since(first.GrantedAt, w.now()))
	if more := len(l.Holders) - 1; more > 0 {
		why += fmt.Sprintf(" and %d more", more)
	}
	return id, why + w.before(l)
}

// before says how many in the queue are before this one. Who waits for several
// locks has no place in any queue.
func (w *waiting) before(l *client.LockState) string {
	if len(w.names) > 1 {
		return ""
	}
	for i, other := range l.Waiters {
		if other.Client == w.session.ID() && other.Owner == w.owner && i > 0 {
			return fmt.Sprintf(", %d before you", i)
		}
	}
	return ""
}

// quoted is a lock's name for people.
func quoted(name string) string { return `"` + name + `"` }
