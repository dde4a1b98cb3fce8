package lockd_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/lockd"
)

func TestTheEndOfAConnectionReleasesWhatItHolds(t *testing.T) {
	for way, call := range ways {
		t.Run(way, func(t *testing.T) {
			locks := newFake()
			d := open(t, locks, gateway.Limits{}, lockd.Config{})
			a, b := call(t, d), call(t, d)
			a.send(t, "g x")
			a.expect(t, "1 Lock Get Success: x\n")
			a.send(t, "sg s")
			a.expect(t, "1 Shared Lock Get Success: s\n")
			b.send(t, "sg s")
			b.expect(t, "2 Shared Lock Get Success: s\n")
			a.hangUp()
			locks.awaitLeave(t)
			b.send(t, "g x")
			b.expect(t, "1 Lock Get Success: x\n")
			b.send(t, "si s")
			b.expect(t, "1 Shared Lock Is Locked: s\n")
		})
	}
}

func TestAResetReleasesWhatTheConnectionHolds(t *testing.T) {
	locks := newFake()
	d := open(t, locks, gateway.Limits{}, lockd.Config{})
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	if got := a.ask(t, "g x"); got != "1 Lock Get Success: x" {
		t.Fatal(got)
	}
	a.send(t, "q") // of which nothing is read
	reset(t, a)
	locks.awaitLeave(t)
	if got := b.ask(t, "g x"); got != "1 Lock Get Success: x" {
		t.Fatal(got)
	}
}

// TestWhoComesBackIsAnsweredAfterTheRelease has a client end its connection and ask
// again by the next one while what it held is being released.
func TestWhoComesBackIsAnsweredAfterTheRelease(t *testing.T) {
	for ask, want := range map[string]string{
		"g x": "1 Lock Get Success: x", "sg x": "1 Shared Lock Get Success: x", "i x": "0 Lock Not Locked: x", "si x": "0 Shared Lock Not Locked: x",
		"d\nd x\nsd\nsd x\ndump": "{}", "dump shared": "{}", "g y": "0 Lock Get Failure: y", "i y": "1 Lock Is Locked: y",
	} {
		locks := newFake()
		locks.leaving = make(chan struct{})
		d := open(t, locks, gateway.Limits{}, lockd.Config{})
		a := dial(t, d.tcp)
		a.ask(t, "g x")
		a.ask(t, "sg x")
		locks.hold(lockd.Exclusive, "y", "somebody")
		if strings.HasPrefix(ask, "d") {
			locks.force(lockd.Exclusive, "y")
		}
		a.hangUp()
		<-locks.leaving
		b := dial(t, d.tcp)
		b.send(t, ask)
		if !strings.HasSuffix(ask, "y") {
			<-locks.leaving
		}
		b.expect(t, want+"\n")
		if strings.HasSuffix(ask, "y") { // of which nothing is released
			<-locks.leaving
		}
		locks.awaitLeave(t)
		if strings.Contains(ask, "g ") { // it has a session, too
			b.hangUp()
			<-locks.leaving
			<-locks.leaving
			locks.awaitLeave(t)
		}
	}
}

// reset ends a connection as one does whose process is killed with something yet to read.
func reset(t *testing.T, c *streamed) {
	t.Helper()
	if err := c.Conn.(*net.TCPConn).SetLinger(0); err != nil {
		t.Fatal(err)
	}
	c.hangUp()
}

func TestAResetEndsWhatIsBeingAsked(t *testing.T) {
	locks := newFake()
	locks.gate, locks.asked = make(chan struct{}), make(chan string, 1)
	d := open(t, locks, gateway.Limits{}, lockd.Config{})
	a := dial(t, d.tcp)
	a.send(t, "g x")
	<-locks.asked
	reset(t, a)
	locks.awaitLeave(t) // though nobody decides
}

func TestAThousandLocksAreReleasedAtADisconnect(t *testing.T) {
	locks := newFake()
	d := open(t, locks, gateway.Limits{}, lockd.Config{})
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	for i := range 1000 {
		if got := a.ask(t, fmt.Sprint("g ", i)); got != fmt.Sprint("1 Lock Get Success: ", i) {
			t.Fatal(got)
		}
	}
	a.hangUp()
	locks.awaitLeave(t)
	if n := locks.held(lockd.Exclusive); n != 0 {
		t.Errorf("%d locks are left", n)
	}
	// The counters may come after the leave.
	for {
		b.send(t, "q")
		text := readStats(t, b)
		if strings.Contains(text, "\norphans: 1000\n") && strings.Contains(text, "\nlocks: 0\n") {
			break
		}
	}
}

// readStats reads the reply to q.
func readStats(t *testing.T, c *streamed) string {
	t.Helper()
	var text strings.Builder
	for !strings.Contains(text.String(), "shared_orphans") {
		line, err := c.in.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(line)
	}
	return text.String()
}

func TestPipelinedCommandsAreAnsweredInOrder(t *testing.T) {
	d := open(t, newFake(), gateway.Limits{Requests: 3}, lockd.Config{})
	a := dial(t, d.tcp)
	var ask, want strings.Builder
	for i := range 500 {
		fmt.Fprintf(&ask, "g %d\nnonsense\n\ni %d\r\nr %d\n", i, i, i)
		fmt.Fprintf(&want, "1 Lock Get Success: %d\n1 Lock Is Locked: %d\n1 Lock Release Success: %d\n", i, i, i)
	}
	go func() { _, _ = io.WriteString(a, ask.String()) }()
	a.expect(t, want.String())
}

func TestWhatWasSentBeforeTheEndIsAnswered(t *testing.T) {
	locks := newFake()
	d := open(t, locks, gateway.Limits{}, lockd.Config{})
	a := dial(t, d.tcp)
	if _, err := io.WriteString(a, "g x\ng y\nd\nr half a li"); err != nil {
		t.Fatal(err)
	}
	if err := a.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	address := a.LocalAddr().String()
	want := "1 Lock Get Success: x\n1 Lock Get Success: y\nx: " + address + "\ny: " + address + "\n"
	if got := a.ended(t); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	locks.awaitLeave(t)
}

func TestALostSessionEndsTheConnection(t *testing.T) {
	for way, call := range ways {
		t.Run(way, func(t *testing.T) {
			locks := newFake()
			d := open(t, locks, gateway.Limits{}, lockd.Config{})
			a, b := call(t, d), call(t, d)
			a.send(t, "g x")
			a.expect(t, "1 Lock Get Success: x\n")
			locks.lose()
			awaitEnd(t, a)
			b.send(t, "g x") // which had no session
			b.expect(t, "1 Lock Get Success: x\n")
		})
	}
}

// awaitEnd returns when a connection is closed by the other side.
func awaitEnd(t *testing.T, c caller) {
	t.Helper()
	switch c := c.(type) {
	case *streamed:
		c.ended(t)
	case *framed:
		if _, text, err := c.Read(t.Context()); err == nil {
			t.Fatalf("got %q", text)
		}
	}
}

func TestWhatNobodyDecides(t *testing.T) {
	for _, c := range []struct{ ask, want string }{
		{"g y", "0 Lock Get Failure: y\n"},
		{"sg y", "0 Shared Lock Get Failure: y\n"},
		{"r y", "0 Lock Release Failure: y\n"}, // known here
		{"me", ""}, {"r x", "closed"}, {"i x", "closed"}, {"si x", "closed"}, {"d", "closed"}, {"d x", "closed"}, {"sd", "closed"},
		{"dump", "closed"}, {"dump shared", "closed"},
	} {
		locks := newFake()
		d := open(t, locks, gateway.Limits{}, lockd.Config{})
		a := dial(t, d.tcp)
		a.ask(t, "g x")
		locks.setAway(true)
		a.send(t, c.ask)
		switch c.want {
		case "closed":
			if got := a.ended(t); got != "" {
				t.Errorf("%s: %q", c.ask, got)
			}
		case "":
			a.expect(t, "1 "+a.LocalAddr().String())
		default:
			a.expect(t, c.want)
			locks.setAway(false)
			a.send(t, "r x") // nothing was lost
			a.expect(t, "1 Lock Release Success: x\n")
		}
	}
}

func TestTheFirstLockCannotBeHadWhileTheServiceIsAway(t *testing.T) {
	locks := newFake()
	locks.setAway(true)
	d := open(t, locks, gateway.Limits{}, lockd.Config{})
	a := dial(t, d.tcp)
	if got := a.ask(t, "g x"); got != "0 Lock Get Failure: x" {
		t.Error(got)
	}
	locks.setAway(false)
	if got := a.ask(t, "g x"); got != "1 Lock Get Success: x" {
		t.Error(got)
	}
}

func TestAnAnswerIsNotAwaitedForEver(t *testing.T) {
	server := clienttest.New(t)
	c := server.Client(nil)
	d := open(t, lockd.ClusterWithin(c, "lockd", 10*time.Millisecond), gateway.Limits{}, lockd.Config{})
	server.StopWorker()
	a := dial(t, d.tcp)
	if got := a.ask(t, "g x"); got != "0 Lock Get Failure: x" {
		t.Error(got)
	}
	a.send(t, "i x")
	if got := a.ended(t); got != "" {
		t.Errorf("got %q", got)
	}
}

func TestWhatWasEndedByForceIsNobodysToRelease(t *testing.T) {
	locks := newFake()
	d := open(t, locks, gateway.Limits{}, lockd.Config{})
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	a.ask(t, "g x")
	locks.force(lockd.Exclusive, "x")
	if got := b.ask(t, "g x"); got != "1 Lock Get Success: x" {
		t.Fatal(got)
	}
	for _, want := range []string{"0 Lock Release Failure: x", "0 Lock Release Failure: x"} {
		if got := a.ask(t, "r x"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := b.ask(t, "i x"); got != "1 Lock Is Locked: x" {
		t.Error(got)
	}
}

func TestWhatIsHeldByOthersIsShownOnOneLine(t *testing.T) {
	locks := newFake()
	d := open(t, locks, gateway.Limits{}, lockd.Config{})
	locks.hold(lockd.Exclusive, "two\nlines", "some\r\nbody")
	locks.hold(lockd.Exclusive, "two\nlines", "another")
	a := dial(t, d.tcp)
	a.send(t, "d")
	a.expect(t, `two\nlines: some\r\nbody`+"\n"+`two\nlines: another`+"\n")
	a.send(t, "dump")
	a.expect(t, `{"two\nlines":"some\r\nbody"}`+"\n")
}

func TestDrain(t *testing.T) {
	for way, call := range ways {
		t.Run(way, func(t *testing.T) {
			locks := newFake()
			locks.gate, locks.asked = make(chan struct{}), make(chan string, 1)
			d := open(t, locks, gateway.Limits{}, lockd.Config{})
			busy, idle := call(t, d), call(t, d)
			addressOf(t, idle)           // it is there
			addressOf(t, dial(t, d.tcp)) // and TCP is served, or Drain would not know of it yet
			busy.send(t, "g x")
			<-locks.asked
			drained := make(chan struct{})
			go func() {
				defer close(drained)
				d.Drain(t.Context())
			}()
			awaitEnd(t, idle)
			if _, err := net.Dial(d.tcp.Addr().Network(), d.tcp.Addr().String()); err == nil {
				t.Error("another connection is taken")
			}
			close(locks.gate)
			busy.expect(t, "1 Lock Get Success: x\n")
			awaitEnd(t, busy)
			<-drained
			locks.awaitLeave(t)
		})
	}
}

func TestDrainHasAnEnd(t *testing.T) {
	for way, call := range ways {
		t.Run(way, func(t *testing.T) {
			locks := newFake()
			locks.gate, locks.asked = make(chan struct{}), make(chan string, 1)
			d := open(t, locks, gateway.Limits{}, lockd.Config{})
			a := call(t, d)
			a.send(t, "g x")
			<-locks.asked
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			d.Drain(ctx)
			awaitEnd(t, a)
			locks.awaitLeave(t)
		})
	}
}
