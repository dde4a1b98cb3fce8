package gateway

import (
	"context"
	"net"
	"time"
)

// keepAlive finds out within half a minute that the other machine is gone, which tells
// nobody, with the locks that were held there.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 3}

// Listen listens on a TCP address, for a door.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	return config.Listen(ctx, "tcp", address)
}
