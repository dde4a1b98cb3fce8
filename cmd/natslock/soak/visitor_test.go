//go:build linux

package soak

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	pb "github.com/natslock/natslock/service/gateway/ldlm/ldlmpb"
)

// The ways into a server, by its doors.
const (
	byTCP       = "tcp"
	byUnix      = "unix"
	byWebsocket = "websocket"
	byLDLM      = "ldlm"
)

// doorAddrs are where a server can be visited, by the way.
type doorAddrs map[string]string

// visitor is a client of one of the doors, as its own protocol knows it: it has one
// connection and no more. An error is that of the connection, after which nothing is
// held by it.
type visitor interface {
	// take takes a lock for itself alone, or tells that others have it.
	take(ctx context.Context, name string) (bool, error)

	// give releases a lock, and tells whether it was held.
	give(ctx context.Context, name string) (bool, error)

	// breakOff begins to take a lock and ends the connection meanwhile.
	breakOff(name string)

	// there tells whether the other side answers.
	there() bool

	// raw is the connection that everything goes over.
	raw() *watched
	close()
}

// watched is a connection whose end by the other side is seen.
type watched struct {
	net.Conn
	over atomic.Bool
}

func (c *watched) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.over.Store(true)
	}
	return n, err
}

// ended tells whether the other side has ended it, or begun to, as far as the system
// knows.
func (c *watched) ended() bool {
	if c.over.Load() {
		return true
	}
	control, err := c.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	var n int
	if failed := control.Control(func(fd uintptr) { n, _, err = unix.Recvfrom(int(fd), make([]byte, 1), unix.MSG_PEEK|unix.MSG_DONTWAIT) }); failed != nil {
		return true
	}
	return n >= 0 && err == nil || !errors.Is(err, unix.EAGAIN) && !errors.Is(err, unix.EINTR)
}

// reset ends it as a process does that is killed with something yet to read.
func (c *watched) reset() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // it may have ended
	}
	_ = c.Conn.Close()
}

// vanish ends it as a machine does that loses its power: the other side is told
// nothing, until it asks. It is an error where that is not allowed: then it is told.
func (c *watched) vanish() error {
	defer c.Conn.Close()
	control, err := c.Conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		return err
	}
	failed := control.Control(func(fd uintptr) {
		// What has come is acknowledged first, or the other side asks at once.
		if err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1); err == nil {
			err = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_REPAIR, unix.TCP_REPAIR_ON)
		}
	})
	return errors.Join(failed, err)
}

// arrive connects, once.
func arrive(ctx context.Context, way string, addrs doorAddrs) (visitor, error) {
	w := &watched{}
	dialIt := func(ctx context.Context, network, addr string) (c net.Conn, err error) {
		if w.Conn, err = new(net.Dialer).DialContext(ctx, network, addr); err != nil {
			return nil, err
		}
		return w, nil
	}
	switch addr := addrs[way]; way {
	case byLDLM:
		c, err := grpc.NewClient("passthrough:///"+addr, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) {
				if w.Conn != nil {
					return nil, errors.New("a visitor has one connection")
				}
				return dialIt(ctx, "tcp", addr)
			}))
		if err != nil {
			return nil, err
		}
		v := &calls{LDLMClient: pb.NewLDLMClient(c), conn: c, socket: w, keys: map[string]string{}}
		if _, err := v.Unlock(ctx, &pb.UnlockRequest{Name: "nothing", Key: "none"}); err != nil {
			v.close()
			return nil, err
		}
		return v, nil
	case byWebsocket:
		client := &http.Client{Transport: &http.Transport{DialContext: dialIt}}
		c, _, err := websocket.Dial(ctx, "ws://"+addr, &websocket.DialOptions{HTTPClient: client})
		if err != nil {
			return nil, err
		}
		n := websocket.NetConn(context.Background(), c, websocket.MessageText)
		return &talk{out: n, in: bufio.NewReader(n), socket: w, end: func() { _ = c.CloseNow() }}, nil
	default:
		if _, err := dialIt(ctx, way, addr); err != nil {
			return nil, err
		}
		return &talk{out: w, in: bufio.NewReader(w), socket: w, end: func() { _ = w.Close() }}, nil
	}
}

// talk speaks the lines of lockd.
type talk struct {
	out    net.Conn
	in     *bufio.Reader
	socket *watched
	end    func()
}

// say sends a command and returns the line that answers it.
func (v *talk) say(command string) (string, error) {
	if err := v.out.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(v.out, command+"\n"); err != nil {
		return "", err
	}
	return v.in.ReadString('\n')
}

// about sends a command about a lock and returns whether it is answered yes.
func (v *talk) about(command, what, name string) (bool, error) {
	line, err := v.say(command + " " + name)
	if err != nil {
		return false, err
	}
	switch strings.TrimSuffix(line, "\n") {
	case "1 Lock " + what + " Success: " + name:
		return true, nil
	case "0 Lock " + what + " Failure: " + name:
		return false, nil
	}
	return false, fmt.Errorf("%s %s: %w: %q", command, name, errUnfit, line)
}

// errUnfit is an answer that fits no question, which is a failure.
var errUnfit = errors.New("unfit answer")

func (v *talk) take(_ context.Context, name string) (bool, error) { return v.about("g", "Get", name) }

func (v *talk) give(_ context.Context, name string) (bool, error) {
	return v.about("r", "Release", name)
}

func (v *talk) breakOff(name string) {
	_, _ = io.WriteString(v.out, "sg shared\ng "+name+"\ng half a na") // nobody reads what comes of it
	v.socket.reset()
}

func (v *talk) there() bool {
	line, err := v.say("me")
	return err == nil && strings.HasPrefix(line, "1 ")
}

func (v *talk) raw() *watched { return v.socket }

func (v *talk) close() { v.end() }

// calls speaks the calls of LDLM.
type calls struct {
	pb.LDLMClient
	conn   *grpc.ClientConn
	socket *watched
	keys   map[string]string
}

func (v *calls) take(ctx context.Context, name string) (bool, error) {
	r, err := v.TryLock(ctx, &pb.TryLockRequest{Name: name})
	if err != nil || !r.GetLocked() {
		return false, err
	}
	v.keys[name] = r.GetKey()
	return true, nil
}

func (v *calls) give(ctx context.Context, name string) (bool, error) {
	r, err := v.Unlock(ctx, &pb.UnlockRequest{Name: name, Key: v.keys[name]})
	return r.GetUnlocked(), err
}

func (v *calls) breakOff(name string) {
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		_, _ = v.Lock(context.Background(), &pb.LockRequest{Name: name}) // which may wait
	}()
	pause(context.Background(), time.Millisecond)
	v.socket.reset()
	v.close()
	<-asked
}

func (v *calls) there() bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_, err := v.Unlock(ctx, &pb.UnlockRequest{Name: "nothing", Key: "none"})
	return err == nil
}

func (v *calls) raw() *watched { return v.socket }

func (v *calls) close() { _ = v.conn.Close() }
