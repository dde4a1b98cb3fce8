package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	neturl "net/url"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	reconnectWait   = 100 * time.Millisecond
	reconnectJitter = 100 * time.Millisecond
	pingInterval    = 5 * time.Second
	connectTimeout  = 5 * time.Second
	writeTimeout    = 5 * time.Second // a write that the server does not take breaks the connection
)

// ErrNoServer says that no server could be reached.
var ErrNoServer = errors.New("no server answers there")

// ConnectConfig says how to connect.
type ConnectConfig struct {
	Name  string // of the connection, as the server shows it
	Creds string // path of a credentials file. Default: none
	// InboxPrefix begins the subjects at which answers arrive, for a user whose
	// permissions give it inboxes of its own. Default: _INBOX
	InboxPrefix string
	Logger      *slog.Logger  // of lost and new connections and what the server complains of. Default: none
	Options     []nats.Option // applied last
}

// Connect connects to a NATS server (or several, separated by commas) with what
// suits locks: it reconnects for ever and quickly, notices a dead server within 15 s, and
// keeps no requests back while there is no connection. The first try must
// succeed, before ctx ends. Errors: ErrNoServer, and those of nats.Connect.
func Connect(ctx context.Context, url string, cfg ConnectConfig) (*nats.Conn, error) {
	timeout := connectTimeout
	if end, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(end))
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect to %s: %w", redact(url), err)
	}
	options := append(Defaults(), nats.Name(cfg.Name), nats.Timeout(timeout))
	options = append(options, Logged(cfg.Logger)...)
	if cfg.InboxPrefix != "" {
		options = append(options, nats.CustomInboxPrefix(cfg.InboxPrefix))
	}
	if cfg.Creds != "" {
		options = append(options, nats.UserCredentials(cfg.Creds))
	}
	nc, err := nats.Connect(url, append(options, cfg.Options...)...)
	if errors.Is(err, nats.ErrNoServers) {
		err = ErrNoServer
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", redact(url), err)
	}
	return nc, nil
}

// redact hides the passwords in a list of URLs.
func redact(urls string) string {
	list := strings.Split(urls, ",")
	for i, text := range list {
		if u, err := neturl.Parse(strings.TrimSpace(text)); err == nil {
			list[i] = u.Redacted()
		}
	}
	return strings.Join(list, ",")
}

// Logged are the options that log what happens to the connection; nats.go
// prints it otherwise. nil logs nothing.
func Logged(log *slog.Logger) []nats.Option {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return []nats.Option{
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if sub != nil {
				log.Warn("nats error", "subject", sub.Subject, "error", err)
				return
			}
			log.Warn("nats error", "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection to nats is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("connection to nats is back", "server", nc.ConnectedUrlRedacted())
		}),
	}
}

// Defaults are the options of every connection that Connect makes.
func Defaults() []nats.Option {
	return []nats.Option{
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.ReconnectBufSize(-1), // a stale request must not be sent later
		nats.FlusherTimeout(writeTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(2),
		nats.PermissionErrOnSubscribe(true),
	}
}
