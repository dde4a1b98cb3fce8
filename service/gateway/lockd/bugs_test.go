package lockd_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/lockd"
)

// What lockd and glockd got wrong, each with the whole service behind the door.

// lockd ended with all its locks when a client's connection was reset, and glockd and
// lockd saw no end but a clean one.
func TestBugAResetKillsTheServer(t *testing.T) {
	d := openCluster(t, clienttest.New(t))
	other := dial(t, d.tcp)
	for i := range 20 {
		c := dial(t, d.tcp)
		if got := c.ask(t, "g x"); got != "1 Lock Get Success: x" {
			t.Fatal(i, got)
		}
		c.send(t, "q\ng y\ndump\nr") // answers that nobody reads, and half a line
		reset(t, c)
		for other.ask(t, "i x") != "0 Lock Not Locked: x" {
			continue // until it is released
		}
	}
}

// lockd took names that every JavaScript object has for locked, and ended by one.
func TestBugNamesOfObjects(t *testing.T) {
	d := openCluster(t, clienttest.New(t))
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	for _, name := range []string{"constructor", "toString", "__proto__", "hasOwnProperty", "valueOf"} {
		for _, c := range []struct {
			by        *streamed
			ask, want string
		}{
			{a, "i", "0 Lock Not Locked: "}, {a, "g", "1 Lock Get Success: "}, {b, "g", "0 Lock Get Failure: "},
			{a, "sg", "1 Shared Lock Get Success: "}, {b, "sg", "2 Shared Lock Get Success: "},
			{a, "r", "1 Lock Release Success: "}, {a, "sr", "1 Shared Lock Release Success: "}, {a, "si", "1 Shared Lock Is Locked: "},
		} {
			if got := c.by.ask(t, c.ask+" "+name); got != c.want+name {
				t.Errorf("%s %s: %q", c.ask, name, got)
			}
		}
	}
}

// lockd told only those of the holders of a shared lock who were of them.
func TestBugSharedLocksAreSeenByTheirHoldersOnly(t *testing.T) {
	d := openCluster(t, clienttest.New(t))
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	a.ask(t, "sg x")
	if got := b.ask(t, "si x"); got != "1 Shared Lock Is Locked: x" {
		t.Error(got)
	}
}

// lockd had no unix socket and no websocket.
func TestBugThereIsOnlyTCP(t *testing.T) {
	d := openCluster(t, clienttest.New(t))
	held := 0
	for _, call := range ways {
		c := call(t, d)
		held++
		c.send(t, "sg x")
		c.expect(t, fmt.Sprintf("%d Shared Lock Get Success: x\n", held))
	}
}

// glockd ended when everything was asked for while locks were taken.
func TestBugDumpsWhileLocksAreTaken(t *testing.T) {
	hammer(t, openCluster(t, clienttest.New(t)), 200, 1)
}

// glockd answered the first of several commands that came together.
func TestBugCommandsThatComeTogetherAreLost(t *testing.T) {
	d := openCluster(t, clienttest.New(t))
	a := dial(t, d.tcp)
	if _, err := io.WriteString(a, "g x\ni x\nr x\n"); err != nil {
		t.Fatal(err)
	}
	a.expect(t, "1 Lock Get Success: x\n1 Lock Is Locked: x\n1 Lock Release Success: x\n")
}

// glockd cut a name that was too long, so that two became one.
func TestBugLongNamesAreCut(t *testing.T) {
	d := openCluster(t, clienttest.New(t))
	a := dial(t, d.tcp)
	for _, n := range []int{512, 513, 4094, 4095, 100_000} {
		want := "1 Lock Get Success: " + strings.Repeat("x", n)
		if n > 512 {
			want = "0 bad name"
		}
		if n > 4094 {
			want = "0 line too long"
		}
		if got := a.ask(t, "g "+strings.Repeat("x", n)); got != want {
			t.Errorf("%d bytes: %.40s", n, got)
		}
	}
}

// glockd did not answer me, d and sd without a registry, nor end connections.
func TestBugNothingIsAnsweredWithoutARegistry(t *testing.T) {
	d := openAt(t, clienttest.New(t).Conn(), nil, gateway.Limits{}, lockd.Config{NoRegistry: true})
	other := dial(t, d.tcp)
	for range 10 {
		c := dial(t, d.tcp)
		address := c.LocalAddr().String()
		c.ask(t, "g x")
		c.ask(t, "sg x")
		for _, ask := range []struct{ send, want string }{
			{"me", "1 " + address + " " + address}, {"d", "x: " + address}, {"sd x", "x: " + address}, {"who", "0 disabled"}, {"iam me", "0 disabled"},
		} {
			if got := c.ask(t, ask.send); got != ask.want {
				t.Errorf("%s: %q", ask.send, got)
			}
		}
		c.hangUp()
		for other.ask(t, "i x") != "0 Lock Not Locked: x" || other.ask(t, "si x") != "0 Shared Lock Not Locked: x" {
			continue // until it is released
		}
	}
}

// glockd released whoever had the lock, if only the connection believed that it did.
func TestBugALockIsReleasedByWhoDoesNotHoldIt(t *testing.T) {
	s := clienttest.New(t)
	d := openCluster(t, s)
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	a.ask(t, "g x")
	if _, err := s.Client(&client.Options{Realm: "lockd"}).Force(t.Context(), "x", nil); err != nil {
		t.Fatal(err)
	}
	if got := b.ask(t, "g x"); got != "1 Lock Get Success: x" {
		t.Fatal(got)
	}
	if got := a.ask(t, "r x"); got != "0 Lock Release Failure: x" {
		t.Error(got)
	}
	if got := a.ask(t, "i x"); got != "1 Lock Is Locked: x" {
		t.Error(got)
	}
}

// Both lost all locks by a restart, and told nobody: here those who had some are told
// by the end of their connections, and a restart of the worker loses nothing.
func TestBugARestartLosesLocks(t *testing.T) {
	s := clienttest.New(t)
	d := openCluster(t, s)
	a, b := dial(t, d.tcp), dial(t, d.tcp)
	a.ask(t, "g x")
	s.StopWorker()
	asked := make(chan string)
	go func() { asked <- b.ask(t, "g x") }()
	s.StartWorker()
	if got := <-asked; got != "0 Lock Get Failure: x" {
		t.Error(got)
	}
	if got := a.ask(t, "r x"); got != "1 Lock Release Success: x" {
		t.Error(got)
	}
}
