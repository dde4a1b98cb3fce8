package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/cmd/natslock/text"
)

// tellEvery is how often it is looked why a lock is not granted.
const tellEvery = time.Second

// waiting is an acquire that waits, as its command tells of it.
type waiting struct {
	session *session
	names   []string
	owner   string
	now     func() time.Time

	began   time.Time
	absence *absence
	told    bool   // that it waits
	stop    func() // what goes on meanwhile
}

// freshOwner is an owner that nobody else has, and by which a waiter finds
// itself in the queue.
func freshOwner() string { return strconv.Itoa(os.Getpid()) + "-" + rand.Text() }

// wait begins to tell on standard error of an acquire, which is about to wait: on
// a terminal what it waits for, whenever that changes, and elsewhere, as in the
// log of a job, what it waits for at first.
func (c *caller) wait(ctx context.Context, sys *system, s *session, names []string, owner string, quiet bool) *waiting {
	ctx, cancel := context.WithCancel(ctx)
	w := &waiting{session: s, names: names, owner: owner, now: time.Now, began: time.Now(), absence: countAbsence(s.nc)}
	var telling sync.WaitGroup
	if !quiet && !c.JSON {
		telling.Go(func() { w.tell(ctx, sys) })
	}
	w.stop = func() {
		cancel()
		telling.Wait()
		w.absence.stop()
	}
	return w
}

// tell says what is waited for, until ctx ends.
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
		last, w.told = id, true
		_, _ = fmt.Fprintln(sys.err, text.Printable("natslock: waiting for "+why))
		if !isTerminal(sys.err) {
			return
		}
	}
}

// end says that the waiting is over, if something was said of it and it was not
// in vain.
func (w *waiting) end(sys *system, granted bool) {
	w.stop()
	if w.told && granted {
		_, _ = fmt.Fprintln(sys.err, text.Printable(fmt.Sprintf("natslock: granted %s after %s", quoted(w.names...), rough(w.now().Sub(w.began)))))
	}
}

// vain says what became of a wait that was not granted in time; err is that of
// the attempt.
func (w *waiting) vain(asked time.Duration, err error) string {
	now := w.now()
	return inVain(asked, now.Sub(w.began), w.absence.until(now), errors.Is(err, client.ErrUnavailable))
}

func inVain(asked, waited, away time.Duration, silent bool) string {
	said := fmt.Sprintf("not granted within %s", asked)
	if away > 0 {
		said += fmt.Sprintf(": waited %s, %s of it without a connection to the service", rough(waited), rough(away))
	}
	if silent {
		said += "; nobody answers now"
	}
	return said
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

// quoted is the names of locks for people.
func quoted(names ...string) string { return `"` + strings.Join(names, `", "`) + `"` }
