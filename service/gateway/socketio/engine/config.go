package engine

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// The defaults of a Config.
const (
	DefaultPingInterval   = 25 * time.Second
	DefaultPingTimeout    = 20 * time.Second
	DefaultUpgradeTimeout = 10 * time.Second
	DefaultReadTimeout    = 10 * time.Second
	DefaultWriteTimeout   = 10 * time.Second
	DefaultCloseTimeout   = 5 * time.Second
	DefaultDrainSpread    = 2 * time.Second
	DefaultMaxPayload     = 64 << 10
	DefaultMaxBuffered    = 1 << 20
	DefaultMaxSessions    = 10_000
)

// Config is what a server is made of. A zero stands for the default.
type Config struct {
	// Accept is called for each new session, before anything of it is read, and
	// returns who receives its messages. It must not block. Required.
	Accept func(*Session) Receiver
	// Admit, if there is one, is asked before a new session is made. A *Refusal
	// is answered as it is, any other error as ErrForbidden.
	Admit func(*http.Request) error
	// Refused, if there is one, is told of each request that is not served.
	Refused func(*http.Request, error)

	// Origins are those, such as "https://app.example", whose pages may connect
	// beside pages of this host. "*" is any.
	Origins []string
	// AllowOrigin, if there is one, is asked about the others.
	AllowOrigin func(r *http.Request, origin string) bool
	// Credentials lets pages of other origins send cookies. Not with "*".
	Credentials bool

	// DisablePolling leaves only websockets, which need no sticky sessions.
	DisablePolling bool
	// DisableWebsocket leaves only long-polling.
	DisableWebsocket bool

	// PingInterval is the time from a pong to the next ping.
	PingInterval time.Duration
	// PingTimeout is how long a client has to answer a ping.
	PingTimeout time.Duration
	// UpgradeTimeout is how long a websocket may take to replace polling.
	UpgradeTimeout time.Duration
	// ReadTimeout is how long the body of a request may take.
	ReadTimeout time.Duration
	// WriteTimeout is how long a client may take to read what is written to it.
	WriteTimeout time.Duration
	// CloseTimeout is how long a session that is closed is kept for the client to
	// read what was sent before.
	CloseTimeout time.Duration
	// DrainSpread is over how long Shutdown closes the sessions, so that their
	// clients do not all come back at once.
	DrainSpread time.Duration

	// MaxPayload is the size of the largest packet that is kept, in bytes. Clients
	// are told, and split what they send.
	MaxPayload int
	// MaxRead is the size of the largest body and frame that is read. What a packet
	// has beyond MaxPayload is thrown away as it comes, and its message is marked as
	// cut; a body or frame beyond MaxRead ends the session. By default, and at the
	// least, it is MaxPayload.
	MaxRead int
	// Oversized, if there is one, is told of each packet that is cut, and of each
	// body and frame beyond MaxRead.
	Oversized func()
	// MaxBuffered is how many bytes may wait for a client to read them. One
	// message alone may be larger.
	MaxBuffered int
	// MaxSessions is how many sessions there may be at once.
	MaxSessions int
}

// withDefaults returns the config with its zeros replaced, or what is wrong.
func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Accept == nil:
		return c, errors.New("engine: no Accept")
	case c.DisablePolling && c.DisableWebsocket:
		return c, errors.New("engine: all transports are disabled")
	case c.Credentials && slices.Contains(c.Origins, anyOrigin):
		return c, errors.New("engine: credentials of any origin")
	}
	if c.Oversized == nil {
		c.Oversized = func() {}
	}
	err := errors.Join(
		orDefault("PingInterval", &c.PingInterval, DefaultPingInterval),
		orDefault("PingTimeout", &c.PingTimeout, DefaultPingTimeout),
		orDefault("UpgradeTimeout", &c.UpgradeTimeout, DefaultUpgradeTimeout),
		orDefault("ReadTimeout", &c.ReadTimeout, DefaultReadTimeout),
		orDefault("WriteTimeout", &c.WriteTimeout, DefaultWriteTimeout),
		orDefault("CloseTimeout", &c.CloseTimeout, DefaultCloseTimeout),
		orDefault("DrainSpread", &c.DrainSpread, DefaultDrainSpread),
		orDefault("MaxPayload", &c.MaxPayload, DefaultMaxPayload),
		orDefault("MaxRead", &c.MaxRead, c.MaxPayload),
		orDefault("MaxBuffered", &c.MaxBuffered, DefaultMaxBuffered),
		orDefault("MaxSessions", &c.MaxSessions, DefaultMaxSessions),
	)
	c.MaxRead = max(c.MaxRead, c.MaxPayload)
	return c, err
}

func orDefault[T int | time.Duration](name string, value *T, standard T) error {
	if *value < 0 {
		return fmt.Errorf("engine: %s is negative: %v", name, *value)
	}
	if *value == 0 {
		*value = standard
	}
	return nil
}

// upgrades are the transports that a polling client may change to.
func (c *Config) upgrades() []string {
	if c.DisableWebsocket {
		return []string{}
	}
	return []string{transportWebsocket}
}
