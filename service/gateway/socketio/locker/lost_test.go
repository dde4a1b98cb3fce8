package locker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/gatewaytest"
	"github.com/natslock/natslock/service/gateway/socketio/locker"
)

// lossy is a door that is joined to the service by what can lose answers.
type lossy struct {
	*door
	line  *gatewaytest.Line
	locks *client.Client // past the door
}

func onLine(t *testing.T) lossy {
	t.Helper()
	s := clienttest.New(t)
	line := gatewaytest.NewLine(s.Conn())
	d := open(t, s.Conn(nats.InProcessServer(line)), gateway.Limits{}, locker.Config{})
	return lossy{d, line, s.Client(&client.Options{Realm: "r"})}
}

// unlock unlocks so that the answer of the service is lost, and what was done is seen.
func (l lossy) unlock(tb *tab, arg string, done func(client.LockState) bool) string {
	l.t.Helper()
	l.line.LoseAnswer("lock.r.release")
	got := make(chan string)
	go func() { got <- tb.ask("unlock", arg) }()
	l.until(done)
	l.line.Break()
	return <-got
}

// until waits until the lock stands as it should.
func (l lossy) until(done func(client.LockState) bool) {
	l.t.Helper()
	for {
		states, err := l.locks.Inspect(l.t.Context(), id)
		if err != nil {
			l.t.Fatal(err)
		}
		if done(states[0]) {
			return
		}
	}
}

func isFree(s client.LockState) bool { return len(s.Holders) == 0 }

// What was unlocked when the answer was lost is not told to have been unlocked before, or
// to be another's, when the door asks again.
func TestAnUnlockWhoseAnswerIsLostIsDone(t *testing.T) {
	l := onLine(t)
	a, b := l.tab("ann"), l.tab("ann")
	done := said("ok", "unlock", held("", "ann", ""))
	for _, arg := range []string{please, `"` + id + `"`} {
		a.ask("lock", please)
		want := done
		if arg != please {
			want = strings.Replace(done, resource, "null", 1)
		}
		if got := l.unlock(a, arg, isFree); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		a.want("unlock", arg, said("error", "not_locked", arg))
	}

	a.ask("lock", please)
	b.ask("lock", please)
	alone := func(s client.LockState) bool { return len(s.Holders) == 1 && len(s.Holders[0].Sessions) == 1 }
	if got, want := l.unlock(a, please, alone), said("ok", "locked", held("", "ann", `"`+b.sid+`"`)); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}

	next := make(chan *client.Lock, 1)
	go func() {
		lock, err := l.locks.Acquire(t.Context(), id)
		if err != nil {
			t.Error(err)
		}
		next <- lock
	}()
	l.until(func(s client.LockState) bool { return len(s.Waiters) == 1 })
	if got := l.unlock(b, please, func(s client.LockState) bool { return len(s.Waiters) == 0 }); got != done {
		t.Errorf("got %s\nwant %s", got, done)
	}
	if got := b.ask("unlock", please); !strings.HasPrefix(got, `{"result":"error","status":"locked"`) {
		t.Error(got)
	}
	if lock := <-next; lock != nil {
		if err := lock.Release(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A page that is told of an outage asks again, and the lock has been unlocked by the first
// time.
func TestAnUnlockThatIsAskedForAgainIsDone(t *testing.T) {
	l := onLine(t)
	l.server.Within(time.Second / 2)
	a := l.tab("ann")
	a.until("lock", please, `"ok"`)
	sent := l.line.LoseAnswer("lock.r.release")
	for asked := false; !asked; {
		if got := a.ask("unlock", please); !strings.Contains(got, `"status":"error"`) {
			t.Fatal(got)
		}
		select {
		case <-sent:
			asked = true
		default: // it was given up before it was sent
		}
	}
	l.until(isFree)
	l.line.Break()
	again := a.ask("unlock", please)
	for strings.Contains(again, `"status":"error"`) { // it takes long to connect
		again = a.ask("unlock", please)
	}
	if want := said("ok", "unlock", held("", "ann", "")); again != want {
		t.Errorf("got %s\nwant %s", again, want)
	}
	a.want("unlock", please, said("error", "not_locked", please))
}

// What the socket had not taken is not told to be unlocked by it.
func TestAnUnlockOfWhatIsNotHeldIsNotDone(t *testing.T) {
	l := onLine(t)
	a := l.tab("ann")
	a.ask("lock", `{"resource":"another"}`) // so that it has a session
	sent := l.line.LoseAnswer("lock.r.release")
	got := make(chan string)
	go func() { got <- a.ask("unlock", please) }()
	<-sent
	l.line.Break()
	if got, want := <-got, said("error", "not_locked", please); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}
