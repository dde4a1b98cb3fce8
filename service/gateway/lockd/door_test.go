package lockd_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats-server/v2/server/ats"
	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	"github.com/natslock/natslock/service/gateway/lockd"
)

func TestMain(m *testing.M) {
	ats.Register() // outside of all bubbles
	goleak.VerifyTestMain(m, goleak.IgnoreCurrent())
}

// never is longer than anything that a test waits for.
const never = 5 * time.Minute

// door is a door that is open by all its ways.
type door struct {
	*lockd.Server
	meters        *prometheus.Registry
	tcp, unix, ws net.Listener
}

// open opens a door to locks, which is closed when the test ends.
func open(t *testing.T, locks lockd.Locks, limits gateway.Limits, cfg lockd.Config) *door {
	t.Helper()
	return openAt(t, clienttest.New(t).Conn(), locks, limits, cfg)
}

// openCluster opens a door to a natslock.
func openCluster(t *testing.T, s *clienttest.Server) *door {
	t.Helper()
	return openAt(t, s.Conn(), nil, gateway.Limits{}, lockd.Config{})
}

// openAt opens a door to locks or, if there are none, to those of a realm.
func openAt(t *testing.T, nc *nats.Conn, locks lockd.Locks, limits gateway.Limits, cfg lockd.Config) *door {
	t.Helper()
	d := &door{meters: prometheus.NewRegistry()}
	g, err := gateway.New(nc, gateway.Config{Limits: limits, Metrics: d.meters})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	counted, err := g.Door("lockd")
	if err != nil {
		t.Fatal(err)
	}
	if locks == nil {
		// The session outlives it that the machine is held up.
		c, err := client.New(nc, &client.Options{SessionTTL: never, Grace: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		locks = lockd.ClusterWithin(c, "lockd", never)
	}
	d.Server = lockd.New(locks, counted, cfg)
	var errs [3]error
	d.tcp, errs[0] = gateway.Listen(t.Context(), "127.0.0.1:0")
	d.ws, errs[1] = gateway.Listen(t.Context(), "127.0.0.1:0")
	d.unix, errs[2] = lockd.ListenUnix(t.Context(), filepath.Join(socketDir(t), "s"))
	if err := errors.Join(errs[:]...); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 3)
	go func() { ended <- d.Serve(d.tcp) }()
	go func() { ended <- d.Serve(d.unix) }()
	go func() { ended <- d.ServeWebsockets(d.ws) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // who waits yet is cut off
		d.Drain(ctx)
		for range 3 {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	})
	return d
}

// socketDir is a folder whose name is short enough for a unix socket.
func socketDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "lockd") //nolint:usetesting // the name of the test would be too much
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// caller is a client of the door.
type caller interface {
	send(t *testing.T, command string)
	// expect reads a reply that must be one of so many bytes or, in frames, one reply.
	expect(t *testing.T, want string)
	hangUp()
}

// ways are the ways into a door.
var ways = map[string]func(*testing.T, *door) caller{
	"tcp":       func(t *testing.T, d *door) caller { return dial(t, d.tcp) },
	"unix":      func(t *testing.T, d *door) caller { return dial(t, d.unix) },
	"websocket": func(t *testing.T, d *door) caller { return dialWebsocket(t, d) },
}

// streamed speaks lines.
type streamed struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, l net.Listener) *streamed {
	t.Helper()
	c, err := net.Dial(l.Addr().Network(), l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(never)); err != nil {
		t.Fatal(err)
	}
	return &streamed{c, bufio.NewReader(c)}
}

func (c *streamed) send(t *testing.T, command string) {
	t.Helper()
	if _, err := io.WriteString(c, command+"\n"); err != nil {
		t.Fatal(err)
	}
}

func (c *streamed) expect(t *testing.T, want string) {
	t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(c.in, got); err != nil {
		t.Fatalf("got %q and %v, want %q", got[:n], err, want)
	}
	if string(got) != want {
		more, _ := c.in.Peek(c.in.Buffered())
		t.Fatalf("got %q, want %q", string(got)+string(more), want)
	}
}

// ask sends a command that is answered by one line, and returns that.
func (c *streamed) ask(t *testing.T, command string) string {
	t.Helper()
	c.send(t, command)
	line, err := c.in.ReadString('\n')
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.TrimSuffix(line, "\n")
}

// ended reads until the other side ends the connection, and returns what came.
func (c *streamed) ended(t *testing.T) string {
	t.Helper()
	rest, err := io.ReadAll(c.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is not closed, after %q", rest)
	}
	return string(rest)
}

func (c *streamed) hangUp() { _ = c.Close() }

// framed speaks frames.
type framed struct{ *websocket.Conn }

func dialWebsocket(t *testing.T, d *door) *framed {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws://"+d.ws.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	c.SetReadLimit(-1)
	t.Cleanup(func() { _ = c.CloseNow() })
	return &framed{c}
}

func (c *framed) send(t *testing.T, command string) {
	t.Helper()
	if err := c.Write(t.Context(), websocket.MessageText, []byte(command)); err != nil {
		t.Fatal(err)
	}
}

func (c *framed) expect(t *testing.T, want string) {
	t.Helper()
	kind, got, err := c.Read(t.Context())
	if err != nil || kind != websocket.MessageText || string(got) != want {
		t.Fatalf("got %q and %v, want %q", got, err, want)
	}
}

func (c *framed) hangUp() { _ = c.CloseNow() }
