package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	reconnectWait   = 100 * time.Millisecond
	reconnectJitter = 100 * time.Millisecond
	pingInterval    = 5 * time.Second
	connectTimeout  = 5 * time.Second
)

// ConnectConfig says how to connect.
type ConnectConfig struct {
	Name    string        // of the connection, as the server shows it
	Creds   string        // path of a credentials file. Default: none
	Options []nats.Option // applied last
}

// Connect connects to a NATS server (or several, separated by commas) with what
// suits locks: it reconnects for ever and quickly, notices a dead server within 15 s, and
// keeps no requests back while there is no connection. The first try must
// succeed, before ctx ends.
func Connect(ctx context.Context, url string, cfg ConnectConfig) (*nats.Conn, error) {
	timeout := connectTimeout
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	options := append(Defaults(), nats.Name(cfg.Name), nats.Timeout(timeout))
	if cfg.Creds != "" {
		options = append(options, nats.UserCredentials(cfg.Creds))
	}
	nc, err := nats.Connect(url, append(options, cfg.Options...)...)
	if errors.Is(err, nats.ErrNoServers) {
		return nil, fmt.Errorf("connect to %s: %w: no server answers there", url, err)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	return nc, nil
}

// Defaults are the options of every connection that Connect makes.
func Defaults() []nats.Option {
	return []nats.Option{
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.ReconnectBufSize(-1), // a stale request must not be sent later
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(2),
		nats.PermissionErrOnSubscribe(true),
	}
}
