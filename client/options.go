package client

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
)

// Options say how a Client works. The zero Options are usable.
type Options struct {
	// Realm is the namespace of the locks, 1 to 64 bytes. Default: "default".
	Realm string

	// ID names the client, 1 to 128 bytes: a user, a service instance. With an
	// ID, requests go to the subjects that name it, which is what permissions
	// are written against, and only the same client can release or renew its
	// holds by their tokens. Without one, whoever knows a token can.
	// Default: none; requests are not named by the subject.
	ID string

	// Label is what holders and events show of a Client without an ID, 1 to 128
	// bytes. It need not be unique. But beware of the option Owner then: the
	// same owner under the same label is one hold, whoever asks.
	// Default: host-pid-random.
	Label string

	// TTL has every hold live for so long without renewal, 10 ms to 24 h,
	// unless an acquire says otherwise. Default: none; a hold lives as long as
	// the Client's session, which is kept alive for all of them together.
	TTL time.Duration

	// SessionTTL is how long the session lives without a sign of life from
	// here, 1 s to 5 min: after a crash, others wait so long for what was held
	// by it, unless the service sees the connection close. Default: 10 s.
	SessionTTL time.Duration

	// Grace is how long the session outlives its connection to NATS, at most
	// 1 min, where the service sees that close: the time for a reconnect. NoGrace
	// is at once. It is as well the longest time without a connection that goes
	// unnoticed here: a restart of the NATS server that takes longer loses what is
	// held. A Grace of the SessionTTL makes sure that no hold ends by the close of a
	// connection before its holder knows. Default: 2 s, but a second
	// more than the connection waits before it reconnects.
	Grace time.Duration

	// StayOnClose has Close leave the session to its TTL, instead of ending it: for a
	// gateway that is replaced, whose callers come back to another one and find what
	// they hold. Give it a Grace of the SessionTTL, or the service ends the session
	// when it sees the connection close. What is held by Locks is released all the same.
	StayOnClose bool

	// Timeout is how long an answer is awaited before the same request is
	// sent again. A request that does not wait and whose context has no
	// deadline is given up after three times that. Default: 5 s.
	Timeout time.Duration

	// Local is that of a service in this process, if there is one: what is asked goes there
	// directly, and over NATS when it is repeated. What may be asked there is not
	// bounded by the permissions of the connection. Replies share memory with the service
	// then, and are only to be read. Default: all goes over NATS.
	Local *bus.Local

	// Logger takes what goes on in the background: locks that are lost,
	// requests that were given up. Default: nothing is logged.
	Logger *slog.Logger
}

// NoGrace is a Grace of nothing: what is held ends with the connection.
const NoGrace time.Duration = -1

const (
	defaultRealm      = "default"
	defaultSessionTTL = schema.DefaultSessionTTL * time.Millisecond
	defaultGrace      = 2 * time.Second
	defaultTimeout    = 5 * time.Second
)

// withDefaults returns a copy of o without empty fields, or says what is wrong.
func (o *Options) withDefaults() (Options, error) {
	var d Options
	if o != nil {
		d = *o
	}
	if d.Realm == "" {
		d.Realm = defaultRealm
	}
	if d.SessionTTL == 0 {
		d.SessionTTL = defaultSessionTTL
	}
	if d.Timeout == 0 {
		d.Timeout = defaultTimeout
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkRealm(d.Realm); err != nil {
		return d, err
	}
	switch {
	case len(d.ID) > schema.MaxClient:
		return d, invalidf("client: %d bytes, want 1 to %d", len(d.ID), schema.MaxClient)
	case len(d.Label) > schema.MaxClient:
		return d, invalidf("label: %d bytes, want 1 to %d", len(d.Label), schema.MaxClient)
	case !utf8.ValidString(d.Label):
		return d, invalidf("label: not valid UTF-8")
	case !utf8.ValidString(d.ID):
		return d, invalidf("client: not valid UTF-8")
	case d.Timeout < 0:
		return d, invalidf("timeout: %s is negative", d.Timeout)
	case !within(d.SessionTTL, schema.MinSessionTTL, schema.MaxSessionTTL):
		return d, invalidf("session ttl: %s, want whole milliseconds from 1s to 5m", d.SessionTTL)
	case d.Grace != 0 && d.Grace != NoGrace && !within(d.Grace, 1, schema.MaxGrace):
		return d, invalidf("grace: %s, want whole milliseconds to 1m, or NoGrace", d.Grace)
	case d.TTL == 0:
		return d, nil
	}
	_, err := ttlMillis(d.TTL)
	return d, err
}

// checkRealm checks the name of a realm.
func checkRealm(realm string) error {
	switch {
	case realm == "" || len(realm) > schema.MaxRealm:
		return invalidf("realm: %d bytes, want 1 to %d", len(realm), schema.MaxRealm)
	case !utf8.ValidString(realm):
		return invalidf("realm: not valid UTF-8")
	}
	return nil
}

// graceOn is the Grace on a connection.
func (o *Options) graceOn(nc *nats.Conn) time.Duration {
	if o.Grace != 0 {
		return max(0, o.Grace)
	}
	again := nc.Opts.ReconnectWait + nc.Opts.ReconnectJitter + time.Second
	return min(max(defaultGrace, again.Truncate(time.Millisecond)), schema.MaxGrace*time.Millisecond)
}

// freshID makes a client's id for one that has none: told apart by people, and
// from all others.
func freshID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	const tail = 1 + 20 + 1 + 26 // -pid-random
	host = strings.ToValidUTF8(host[:min(len(host), schema.MaxClient-tail)], "")
	return host + "-" + strconv.Itoa(os.Getpid()) + "-" + rand.Text()
}

// AcquireOption says how a lock is to be held.
type AcquireOption func(*terms) error

// terms are what the options of one acquire add up to.
type terms struct {
	mode    schema.Mode
	size    int64
	ttl     int64 // milliseconds; 0: by presence
	owner   string
	meta    schema.Meta
	wait    time.Duration // forever: until the context ends
	noRenew bool
}

// forever is a wait that only the context bounds.
const forever time.Duration = -1

// terms adds up the options of an acquire.
func (c *Client) terms(waits bool, opts []AcquireOption) (terms, error) {
	t := terms{ttl: c.options.TTL.Milliseconds(), wait: forever}
	for _, opt := range opts {
		if err := opt(&t); err != nil {
			return t, err
		}
	}
	if !waits {
		if t.wait != forever {
			return t, invalidf("wait: TryAcquire does not wait")
		}
		t.wait = 0
	}
	if t.noRenew && t.ttl == 0 {
		return t, invalidf("no-renew: needs a TTL: without one, a hold lives as long as the Client")
	}
	return t, nil
}

// Shared asks for a hold together with other shared ones, as many as come: a
// read lock.
func Shared() AcquireOption {
	return func(t *terms) error {
		t.mode = schema.ModeShared
		return nil
	}
}

// Size asks for a shared hold beside at most n-1 others: a semaphore of n. All
// its users must name the same n (ErrSizeMismatch); 0 is no bound.
func Size(n int) AcquireOption {
	return func(t *terms) error {
		t.mode, t.size = schema.ModeShared, int64(n)
		return nil
	}
}

// TTL has the hold live for so long without renewal, 10 ms to 24 h in whole
// milliseconds, also when the Client's session ends. Default: Options.TTL, and
// without that, as long as the session.
func TTL(d time.Duration) AcquireOption {
	return func(t *terms) (err error) {
		t.ttl, err = ttlMillis(d)
		return err
	}
}

// Owner names who the hold belongs to, at most 128 bytes: two acquires by the
// same client and owner are one hold. Within a Client they are the same *Lock,
// one Release ends it for both, and the TTL asked for last counts. While a
// release by the Client is not acknowledged, the owner's next acquire waits for
// that. A hold that was asked for both with a TTL and without ends with that TTL or
// with the session, whichever is first. Default: a fresh one, so that locks are not re-entrant.
func Owner(s string) AcquireOption {
	return func(t *terms) error {
		t.owner = s
		return nil
	}
}

// Meta attaches a JSON object, at most 4 KiB, that whoever inspects the lock
// sees: a map, or whatever encoding/json makes an object of.
func Meta(v any) AcquireOption {
	return func(t *terms) error {
		meta, err := json.Marshal(v)
		if err != nil {
			return invalidf("meta: %v", err)
		}
		if _, raw := v.(json.RawMessage); !utf8.Valid(meta) || !raw && mended.Match(meta) {
			return invalidf("meta: not valid UTF-8")
		}
		if len(meta) == 0 || meta[0] != '{' {
			return invalidf("meta: %T is no JSON object", v)
		}
		t.meta = meta
		return nil
	}
}

// mended is how encoding/json writes what was not valid UTF-8, as it does write
// the character U+FFFD itself plainly.
var mended = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\\ufffd`)

// Wait bounds the waiting of an Acquire, which is otherwise bounded by its
// context alone: ErrTimeout when d has passed, ErrHeld when d is 0.
func Wait(d time.Duration) AcquireOption {
	return func(t *terms) error {
		if d < 0 {
			return invalidf("wait: %s is negative", d)
		}
		t.wait = d
		return nil
	}
}

// NoRenew leaves the hold to its TTL: it is not renewed in the background, only
// by Lock.Renew, and Client.Close does not release it. It needs a TTL.
func NoRenew() AcquireOption {
	return func(t *terms) error {
		t.noRenew = true
		return nil
	}
}

// ttlMillis is a TTL in the protocol's unit.
func ttlMillis(d time.Duration) (int64, error) {
	if !within(d, schema.MinTTL, schema.MaxTTL) {
		return 0, invalidf("ttl: %s, want whole milliseconds from 10ms to 24h", d)
	}
	return d.Milliseconds(), nil
}

// within tells whether d is whole milliseconds within bounds.
func within(d time.Duration, least, most int64) bool {
	return d%time.Millisecond == 0 && d.Milliseconds() >= least && d.Milliseconds() <= most
}

func invalidf(format string, args ...any) error {
	return &Error{Status: schema.StatusInvalid, Message: fmt.Sprintf(format, args...)}
}
