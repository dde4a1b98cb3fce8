package lockd

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/natslock/natslock/service/gateway"
)

// ListenUnix listens on a unix socket, to which every user of the machine may connect
// who can reach the folder. A socket that is left there by one that has
// ended is replaced.
func ListenUnix(ctx context.Context, path string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && isLeft(ctx, path) {
		if err := os.Remove(path); err != nil {
			return nil, fmt.Errorf("remove the socket of one that has ended: %w", err)
		}
		l, err = config.Listen(ctx, "unix", path)
	}
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o666); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

// isLeft tells whether something is a socket on which nobody listens.
func isLeft(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != fs.ModeSocket {
		return false
	}
	var dialer net.Dialer
	c, err := dialer.DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close() // somebody does
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

// listener counts connections.
type listener struct {
	net.Listener
	door *gateway.Door
}

// Longest pause after the system had nothing left for another connection.
const maxPause = time.Second

// Accept returns the next connection that is let in.
func (l listener) Accept() (net.Conn, error) {
	pause := 5 * time.Millisecond
	for {
		c, err := l.door.Accept(l.Listener)
		switch {
		case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ECONNABORTED):
			time.Sleep(pause) // nothing tells when there is something left
			pause = min(2*pause, maxPause)
			continue
		case err != nil:
			return nil, err
		}
		return c, nil
	}
}
