package ldlm

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/service/gateway"
	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// indoors is a listener in the process, whose connections have addresses.
type indoors struct {
	*bufconn.Listener
	accepted int
}

// Accept accepts a connection.
func (l *indoors) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	l.accepted++
	return named{c, "caller " + strconv.Itoa(l.accepted)}, err
}

// named is a connection of an address.
type named struct {
	net.Conn
	from string
}

// RemoteAddr is the address.
func (n named) RemoteAddr() net.Addr { return n }

// Network is the address's.
func (named) Network() string { return "indoors" }

// String is the address.
func (n named) String() string { return n.from }

// deaf is a client's connection that stops to hear at some time, as one whose machine
// is gone.
type deaf struct {
	net.Conn
	hears *atomic.Bool
}

// Read reads what is heard.
func (d deaf) Read(p []byte) (int, error) {
	for {
		n, err := d.Conn.Read(p)
		if d.hears.Load() || err != nil {
			return n, err
		}
	}
}

// timeless runs a test with a door whose time is not real.
func timeless(t *testing.T, test func(t *testing.T, d *opened, l *indoors)) {
	t.Helper()
	inBubble(t, func(t *testing.T) {
		s := clienttest.New(t)
		d := closedDoor(t, s, s.Conn(), gateway.Config{SessionTTL: never}, Config{})
		l := &indoors{Listener: bufconn.Listen(1 << 16)}
		d.serve(t, l)
		test(t, d, l)
	})
}

func (d *opened) dialIndoors(t *testing.T, l *indoors, hears *atomic.Bool) caller {
	t.Helper()
	d.address = "passthrough:indoors"
	return d.dial(t, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithIdleTimeout(0), grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) {
		c, err := l.DialContext(ctx)
		return deaf{c, hears}, err
	}))
}

// TestIdleConnectionsStay has a client that asks nothing for ten minutes, and then is gone
// without a word.
func TestIdleConnectionsStay(t *testing.T) {
	timeless(t, func(t *testing.T, d *opened, l *indoors) {
		var hears atomic.Bool
		hears.Store(true)
		a := d.dialIndoors(t, l, &hears)
		key := a.mustTry(t, &pb.TryLockRequest{Name: "x"})
		held := func() int {
			synctest.Wait()
			return len(d.state(t, "x").Holders)
		}
		if time.Sleep(10 * time.Minute); held() != 1 {
			t.Fatal("lost in ten minutes")
		}
		a.unlock(t, "x", key)
		a.mustTry(t, &pb.TryLockRequest{Name: "x"})
		hears.Store(false)
		if time.Sleep(pingEvery + pingPatience - time.Second); held() != 1 {
			t.Error("released too soon")
		}
		if time.Sleep(pingEvery + pingPatience); held() != 0 { // the last it said may have come a ping later
			t.Error("held by one who is gone")
		}
	})
}

// TestClientsMayPingEveryTenSeconds has one that does, and then does so more often.
func TestClientsMayPingEveryTenSeconds(t *testing.T) {
	timeless(t, func(t *testing.T, _ *opened, l *indoors) {
		c, err := l.DialContext(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		frames := make(chan []byte, 100)
		go func() {
			defer close(frames)
			for header := make([]byte, frameHeaderSize); ; {
				if _, err := io.ReadFull(c, header); err != nil {
					return
				}
				payload := make([]byte, int(header[1])<<8|int(header[2]))
				if _, err := io.ReadFull(c, payload); err != nil {
					return
				}
				if header[3] == 7 {
					frames <- payload
				}
			}
		}()
		send := func(text string) {
			if _, err := io.WriteString(c, text); err != nil {
				t.Error(err)
			}
		}
		ping := func() { send("\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678") }
		send(preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00")
		for range 100 {
			ping()
			time.Sleep(clientPingsEvery + time.Millisecond)
		}
		select {
		case goAway := <-frames:
			t.Fatalf("told to go away: %q", goAway)
		default:
		}
		for range 4 {
			ping()
		}
		goAway := <-frames
		if len(goAway) < 8 || binary.BigEndian.Uint32(goAway[4:]) != 11 || string(goAway[8:]) != "too_many_pings" {
			t.Errorf("%q", goAway)
		}
		if _, more := <-frames; more {
			t.Error("the connection is not closed")
		}
	})
}
