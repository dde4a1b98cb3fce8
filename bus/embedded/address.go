package embedded

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// address is where to listen.
type address struct {
	host   string
	port   int
	listen bool
}

// parseAddr reads host:port, and finds out whether it can be listened on.
func parseAddr(text string) (address, error) {
	if text == "" {
		return address{}, nil
	}
	host, service, err := net.SplitHostPort(text)
	if err != nil {
		return address{}, fmt.Errorf("address %q is not host:port", text)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return address{}, fmt.Errorf("address %q: the port must be a number from 0 to 65535", text)
	}
	l, err := net.Listen("tcp", text)
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err
	}
	if err != nil {
		return address{}, fmt.Errorf("listen on %s: %w", text, err)
	}
	if err := l.Close(); err != nil {
		return address{}, fmt.Errorf("listen on %s: %w", text, err)
	}
	return address{host: host, port: int(port), listen: true}, nil
}
