package service

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// Config says how a Worker works. The zero Config is usable.
type Config struct {
	// DefaultTTL is the TTL of a hold that was asked for without one and
	// without a session: whole milliseconds from 10 ms to 24 h. Default: 30 s.
	DefaultTTL time.Duration

	// SessionTTL is the TTL of a session that was opened without one: whole
	// milliseconds from 1 s to 5 min. Default: 10 s.
	SessionTTL time.Duration

	// ReconnectGrace is how long a session that was opened without a grace may
	// be without its connection: whole milliseconds from 0 to 1 min.
	ReconnectGrace time.Duration

	// ClientSessions is how many presences one client may have: those that are
	// open, and those that ended in the last minute. Callers without a name are one
	// client. Default: 10,000.
	ClientSessions int

	// Sync is how long the store may take until what it has acknowledged is on
	// disk. Records of locks that nobody uses are dropped no sooner. Default:
	// 2 min, as a NATS server that is not told otherwise.
	Sync time.Duration

	// MaxStore is how many bytes the records of the locks may take: what would
	// make them more is refused. 0: as many as there is room for.
	MaxStore int64

	// DiskRoom tells how many bytes the store may take beside those that it has,
	// until its disk is nearly full; a negative number if that is not known. It is
	// asked every few seconds. Default: not known.
	DiskRoom func() int64

	// Version is what the micro service reports: a semantic version.
	// Default: "0.0.0".
	Version string

	// Listening reports whether anybody listens to a subject: then events on
	// it are published. It must be exact, and quick. Default: all are published.
	Listening func(subject string) bool

	// Events is a connection on which events are published, and nothing else: the
	// server reads no more of it until it has handed an event to all who listen.
	// Default: that of the worker.
	Events bus.EventConn

	// Local has callers in this process ask the worker without the server between. Default:
	// all come over NATS.
	Local *bus.Local

	// Metrics takes the worker's metrics: see docs/metrics.md. Default: nobody does.
	Metrics prometheus.Registerer

	// Logger takes the worker's log. Default: nothing is logged.
	Logger *slog.Logger
}

// withDefaults returns a copy of c without empty fields, or says what is wrong.
func (c *Config) withDefaults() (Config, error) {
	var d Config
	if c != nil {
		d = *c
	}
	if d.DefaultTTL == 0 {
		d.DefaultTTL = 30 * time.Second
	}
	if ms := d.DefaultTTL.Milliseconds(); ms < schema.MinTTL || ms > schema.MaxTTL || d.DefaultTTL%time.Millisecond != 0 {
		return d, errors.New("default TTL: want whole milliseconds from 10ms to 24h, got " + d.DefaultTTL.String())
	}
	if d.SessionTTL == 0 {
		d.SessionTTL = schema.DefaultSessionTTL * time.Millisecond
	}
	if ms := d.SessionTTL.Milliseconds(); ms < schema.MinSessionTTL || ms > schema.MaxSessionTTL || d.SessionTTL%time.Millisecond != 0 {
		return d, errors.New("session TTL: want whole milliseconds from 1s to 5m, got " + d.SessionTTL.String())
	}
	if g := d.ReconnectGrace; g < 0 || g > schema.MaxGrace*time.Millisecond || g%time.Millisecond != 0 {
		return d, errors.New("reconnect grace: want whole milliseconds from 0 to 1m, got " + g.String())
	}
	if d.ClientSessions == 0 {
		d.ClientSessions = 10_000
	}
	if d.ClientSessions < 0 {
		return d, fmt.Errorf("client sessions: want at least 1, got %d", d.ClientSessions)
	}
	if d.Sync < 0 {
		return d, errors.New("sync: want 0 or more, got " + d.Sync.String())
	}
	if d.MaxStore < 0 {
		return d, fmt.Errorf("max store: want 0 or more bytes, got %d", d.MaxStore)
	}
	if d.DiskRoom == nil {
		d.DiskRoom = unknownRoom
	}
	if d.Version == "" {
		d.Version = "0.0.0"
	}
	if d.Listening == nil {
		d.Listening = func(string) bool { return true }
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	return d, nil
}
