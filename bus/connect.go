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

var errMalformed = errors.New("the URL is malformed: in a user, password or token write @ : / ? # % as %40 %3A %2F %3F %23 %25")

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
		return nil, fmt.Errorf("connect to %s: %w", Redact(url), err)
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
	var malformed *neturl.Error
	switch {
	case errors.Is(err, nats.ErrNoServers):
		err = ErrNoServer
	case errors.As(err, &malformed) && strings.Contains(url, "@"):
		err = errMalformed // what it says may be part of a password
	case errors.As(err, &malformed):
		err = malformed.Err
	}
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", Redact(url), err)
	}
	return nc, nil
}

// Redact takes users, passwords and tokens out of a list of URLs: a token
// stands where a user does.
func Redact(urls string) string {
	list := strings.Split(urls, ",")
	for i, text := range list {
		scheme, rest, ok := strings.Cut(strings.TrimSpace(text), "://")
		if !ok {
			scheme, rest = "nats", strings.TrimSpace(text)
		}
		if u, err := neturl.Parse(scheme + "://" + rest); err == nil {
			u.User = nil
			list[i] = u.String()
		} else if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			list[i] = scheme + "://" + rest[at+1:]
		}
	}
	return strings.Join(list, ",")
}

// Logged are the options that log what happens to the connection, each kind once a
// second at most; nats.go prints it otherwise. nil logs nothing.
func Logged(log *slog.Logger) []nats.Option {
	log = SeldomLogger(log)
	return []nats.Option{
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			if sub == nil {
				log.Warn("nats error", "error", err)
				return
			}
			if dropped, count := sub.Dropped(); errors.Is(err, nats.ErrSlowConsumer) && count == nil {
				log.Warn("messages come faster than they are taken: some were lost", "subject", sub.Subject, "lost_so_far", dropped)
				return
			}
			log.Warn("nats error", "subject", sub.Subject, "error", err)
		}),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				log.Warn("connection to nats is lost", "error", err)
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			log.Info("connection to nats is back", "server", Redact(nc.ConnectedUrl()))
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
