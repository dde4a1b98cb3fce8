package lockd_test

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/natslock/natslock/service/gateway"
)

// Both kept the locks of a machine that had lost its power for minutes, or for ever.
func TestBugTheLocksOfAMachineThatIsGone(t *testing.T) {
	l, err := gateway.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dial(t, l)
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	option := func(name int) time.Duration { return time.Duration(socketOption(t, c.(*net.TCPConn), name)) }
	if after := (option(unix.TCP_KEEPIDLE) + option(unix.TCP_KEEPINTVL)*option(unix.TCP_KEEPCNT)) * time.Second; after > 30*time.Second {
		t.Errorf("that it is gone is found out after %s", after)
	}
}

func socketOption(t *testing.T, c *net.TCPConn, name int) (n int) {
	t.Helper()
	raw, err := c.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if failed := raw.Control(func(fd uintptr) { n, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, name) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	return n
}
