package gateway

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// keepAlive finds out within half a minute that the other machine is gone, which tells
// nobody, with the locks that were held there.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// Listen listens on a TCP address, for a door. That of all IPv4 addresses is none of
// IPv6.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	network := "tcp"
	if of, err := netip.ParseAddrPort(address); err == nil && of.Addr().Is4() {
		network = "tcp4"
	}
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	l, err := config.Listen(ctx, network, address)
	var op *net.OpError
	if errors.As(err, &op) {
		return nil, fmt.Errorf("listen on %s: %w", address, op.Err)
	}
	return l, err
}
