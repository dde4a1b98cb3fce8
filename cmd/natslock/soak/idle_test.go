//go:build linux

package soak

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/natslock/natslock/cmd/natslock/bench"
	"github.com/natslock/natslock/schema"
)

// idleBound is what an idle connection may take of a server's memory, in bytes.
const idleBound = 34 << 10

// TestIdleConnectionsAreCheap has many connections to the lockd door, by one way in
// after the other, and looks at what they take of a server's memory.
func TestIdleConnectionsAreCheap(t *testing.T) {
	for _, way := range []string{"tcp", "unix", "websocket"} {
		t.Run(way, func(t *testing.T) { idle(t, way) })
	}
}

func idle(t *testing.T, way string) {
	flag, addr := "--lockd", freeAddr(t)
	switch way {
	case "unix":
		flag, addr = "--lockd-unix", filepath.Join(bin, "idle")
	case "websocket":
		flag = "--lockd-ws"
	}
	nats := freeAddr(t)
	p := start(t, "serve", "--data", t.TempDir(), "--nats", nats, "--sync", "1s", "--log-level", "warn", flag, addr)
	if _, err := p.awaitReady(); err != nil {
		t.Fatal(err)
	}
	rss := func(what string) int64 {
		n, err := bench.RSS(p.cmd.Process.Pid)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d connections by %s, %s: %d MB", *idlers, way, what, n>>20)
		return n
	}
	bound := rss("not there yet") + int64(*idlers)*idleBound
	all := make([]net.Conn, *idlers)
	for i := range all {
		all[i] = idler(t, way, addr)
		defer all[i].Close()
	}
	rss("silent")
	askAll(t, all, "me %d", "1 ")
	if n := rss("that have asked something"); n > bound {
		t.Errorf("that is more than %d MB", bound>>20)
	}
	askAll(t, all, "g %d", "1 Lock Get Success")
	rss("that hold a lock each")
	began := time.Now()
	for _, c := range all {
		_ = c.Close()
	}
	w := newWire(t, dial(t, nats), "lockd")
	for {
		a, err := w.ask(t.Context(), schema.JSON, schema.VerbList, "", &schema.List{})
		if err != nil || a.Status != schema.StatusOK {
			t.Fatal(a, err)
		}
		if len(a.Locks) == 0 {
			break
		}
	}
	t.Logf("all are free %s after the end of the first", time.Since(began).Round(time.Millisecond))
}

// idler connects to the lockd door. What is read and written are lines, whatever way.
func idler(t *testing.T, way, addr string) net.Conn {
	t.Helper()
	if way != "websocket" {
		c, err := net.Dial(way, addr)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c, _, err := websocket.Dial(t.Context(), "ws://"+addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	return framed{websocket.NetConn(context.Background(), c, websocket.MessageText), c}
}

// framed is a websocket, whose end is no farewell.
type framed struct {
	net.Conn
	socket *websocket.Conn
}

// Close closes the connection.
func (c framed) Close() error { return c.socket.CloseNow() }

// askAll has connections ask something, each with its number, and reads a line from each.
func askAll(t *testing.T, all []net.Conn, command, want string) {
	t.Helper()
	var asking sync.WaitGroup
	few := make(chan struct{}, 64)
	for i, c := range all {
		few <- struct{}{}
		asking.Go(func() {
			defer func() { <-few }()
			_, err := io.WriteString(c, fmt.Sprintf(command, i)+"\n")
			if err != nil {
				t.Error(err)
				return
			}
			line, err := bufio.NewReaderSize(c, 128).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, want) {
				t.Errorf("%s %d: %q %v", command, i, line, err)
			}
		})
	}
	asking.Wait()
}
