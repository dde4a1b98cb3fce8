package lockd_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/lockd"
)

func TestOneConnectionTooManyIsTold(t *testing.T) {
	d := open(t, newFake(), gateway.Limits{Connections: 1}, lockd.Config{})
	a := dial(t, d.tcp)
	a.ask(t, "me")
	for _, l := range []net.Listener{d.tcp, d.unix} {
		if got := dial(t, l).ended(t); got != "0 too many connections\n" {
			t.Errorf("got %q", got)
		}
	}
	_, response, err := websocket.Dial(t.Context(), "ws://"+d.ws.Addr().String(), nil)
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("websocket: %v %v", response, err)
	}
	if got := a.ask(t, "g x"); got != "1 Lock Get Success: x" {
		t.Error(got)
	}
	d.counts(t, `
		# HELP natslock_door_refused_total What was refused because it was beyond a limit.
		# TYPE natslock_door_refused_total counter
		natslock_door_refused_total{door="lockd",limit="connections"} 3
		natslock_door_refused_total{door="lockd",limit="requests"} 0
		natslock_door_refused_total{door="lockd",limit="size"} 0
		natslock_door_refused_total{door="lockd",limit="waiters"} 0
	`, "natslock_door_refused_total")
	a.hangUp()
	for { // until that is seen
		c := dial(t, d.tcp)
		c.send(t, "me")
		if line, _ := c.in.ReadString('\n'); strings.HasPrefix(line, "1 ") {
			return
		}
	}
}

// counts compares metrics.
func (d *door) counts(t *testing.T, want string, names ...string) {
	t.Helper()
	if err := testutil.GatherAndCompare(d.meters, strings.NewReader(want), names...); err != nil {
		t.Error(err)
	}
}

func TestLongLinesAreCounted(t *testing.T) {
	d := open(t, newFake(), gateway.Limits{}, lockd.Config{})
	a := dial(t, d.tcp)
	for _, n := range []int{4097, 5000, 1 << 20} {
		if got := a.ask(t, strings.Repeat("g", n)); got != "0 line too long" {
			t.Error(got)
		}
	}
	d.counts(t, `
		# HELP natslock_door_refused_total What was refused because it was beyond a limit.
		# TYPE natslock_door_refused_total counter
		natslock_door_refused_total{door="lockd",limit="connections"} 0
		natslock_door_refused_total{door="lockd",limit="requests"} 0
		natslock_door_refused_total{door="lockd",limit="size"} 3
		natslock_door_refused_total{door="lockd",limit="waiters"} 0
	`, "natslock_door_refused_total")
}

func TestASlowReaderIsCutOff(t *testing.T) {
	for way, call := range ways {
		t.Run(way, func(t *testing.T) {
			locks := newFake()
			for i := range 20_000 {
				locks.hold(lockd.Exclusive, fmt.Sprint(strings.Repeat("x", 500), i), "somebody")
			}
			d := open(t, locks, gateway.Limits{}, lockd.Config{Patience: 50 * time.Millisecond})
			a := call(t, d)
			a.send(t, "sg mine")
			a.expect(t, "1 Shared Lock Get Success: mine\n")
			a.send(t, "dump") // 10 MB, more than any socket takes
			locks.awaitLeave(t)
		})
	}
}

func TestLongListsAreWhole(t *testing.T) {
	for way, call := range ways {
		t.Run(way, func(t *testing.T) {
			locks := newFake()
			var want strings.Builder
			for i := range 5000 {
				name := fmt.Sprintf("%s%06d", strings.Repeat("x", 100), i)
				locks.hold(lockd.Exclusive, name, "somebody")
				fmt.Fprintf(&want, "%s: somebody\n", name)
			}
			d := open(t, locks, gateway.Limits{}, lockd.Config{})
			a := call(t, d)
			for range 2 {
				a.send(t, "d")
				a.expect(t, want.String())
				a.send(t, "i y")
				a.expect(t, "0 Lock Not Locked: y\n")
			}
		})
	}
}

func TestAPageCannotHaveABrowserSendCommands(t *testing.T) {
	d := open(t, newFake(), gateway.Limits{}, lockd.Config{})
	for _, l := range []net.Listener{d.tcp, d.unix} {
		for _, request := range []string{"POST / HTTP/1.1\r\nHost: localhost\r\n\r\ng x", "GET /g%20x HTTP/1.0\ng x"} {
			c := dial(t, l)
			c.send(t, request)
			if got := c.ended(t); got != "" {
				t.Errorf("%q: %q", request, got)
			}
		}
	}
	c := dial(t, d.tcp)
	c.send(t, "POST /"+strings.Repeat("x", 5000)+" HTTP/1.1\r\nHost: localhost\r\n\r\ng x")
	c.ended(t)
	c = dial(t, d.tcp)
	for _, ask := range []struct{ send, want string }{
		{"i x", "0 Lock Not Locked: x"}, {"g GET / HTTP/1.1", "1 Lock Get Success: GET / HTTP/1.1"}, {"iam a HTTP/1.0", "1 ok"},
	} {
		if got := c.ask(t, ask.send); got != ask.want {
			t.Errorf("%s: %q", ask.send, got)
		}
	}
}

func TestAFrameIsText(t *testing.T) {
	d := open(t, newFake(), gateway.Limits{}, lockd.Config{})
	a := dialWebsocket(t, d)
	if err := a.Write(t.Context(), websocket.MessageBinary, []byte("g x")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := a.Read(t.Context()); websocket.CloseStatus(err) != websocket.StatusUnsupportedData {
		t.Error(err)
	}
}

func TestAFrameIsOneCommand(t *testing.T) {
	d := open(t, newFake(), gateway.Limits{}, lockd.Config{})
	a := dialWebsocket(t, d)
	for _, c := range []struct{ ask, want string }{
		{"g x\n", "1 Lock Get Success: x\n"},
		{"i x\r\n", "1 Lock Is Locked: x\n"},
		{"g x\ng y", "0 bad name\n"},
		{"", ""},
		{"g " + strings.Repeat("x", 4094) + "\r\n", "0 bad name\n"},
		{"g " + strings.Repeat("x", 4095), "0 line too long\n"},
	} {
		a.send(t, c.ask)
		a.expect(t, c.want)
	}
}

func TestUnixSocketsAreReplacedWhenNobodyListens(t *testing.T) {
	path := socketDir(t) + "/s"
	first, err := lockd.ListenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := lockd.ListenUnix(t.Context(), path); err == nil {
		_ = l.Close()
		t.Fatal("it is taken from one that listens")
	}
	first.(*net.UnixListener).SetUnlinkOnClose(false)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	second, err := lockd.ListenUnix(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestManyAtOnce has 200 connections take and release locks while others ask for all.
func TestManyAtOnce(t *testing.T) {
	d := open(t, newFake(), gateway.Limits{}, lockd.Config{})
	hammer(t, d, 200, 5)
}

// hammer has n connections take, look at and release locks, each so many times, while
// others ask for everything.
func hammer(t *testing.T, d *door, n, times int) {
	t.Helper()
	var locking, dumping sync.WaitGroup
	done := make(chan struct{})
	for i := range n {
		c := dial(t, d.tcp)
		locking.Go(func() { lockAndRelease(t, c, i, times) })
	}
	for _, command := range []string{"dump", "dump shared", "q"} {
		c := dial(t, d.tcp)
		dumping.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if _, err := io.WriteString(c, "sd\nd\n"+command+"\nr nothing\n"); err != nil {
					t.Error(err)
					return
				}
				for line := ""; line != "0 Lock Release Failure: nothing\n"; {
					var err error
					if line, err = c.in.ReadString('\n'); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	locking.Wait()
	close(done)
	dumping.Wait()
}

// lockAndRelease takes and releases locks that others want, too.
func lockAndRelease(t *testing.T, c *streamed, i, times int) {
	name := fmt.Sprint("lock ", i/2)
	for range times {
		for _, command := range []string{"g " + name, "i " + name, "sg " + name, "sr " + name, "r " + name} {
			if _, err := fmt.Fprintln(c, command); err != nil {
				t.Error(err)
				return
			}
			line, err := c.in.ReadString('\n')
			if err != nil || !strings.HasSuffix(line, ": "+name+"\n") {
				t.Errorf("%s: %q %v", command, line, err)
				return
			}
		}
	}
}
