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

	// TTL is how long a hold lives without renewal, unless an acquire says
	// otherwise: 10 ms to 24 h. A lock that nobody can renew is lost after it.
	// Default: 30 s.
	TTL time.Duration

	// Timeout is how long an answer is awaited before the same request is
	// sent again. A request that does not wait and whose context has no
	// deadline is given up after three times that. Default: 5 s.
	Timeout time.Duration

	// Logger takes what goes on in the background: locks that are lost,
	// requests that were given up. Default: nothing is logged.
	Logger *slog.Logger
}

const (
	defaultRealm   = "default"
	defaultTTL     = 30 * time.Second
	defaultTimeout = 5 * time.Second
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
	if d.TTL == 0 {
		d.TTL = defaultTTL
	}
	if d.Timeout == 0 {
		d.Timeout = defaultTimeout
	}
	if d.Logger == nil {
		d.Logger = slog.New(slog.DiscardHandler)
	}
	switch {
	case len(d.Realm) > schema.MaxRealm:
		return d, invalidf("realm: %d bytes, want 1 to %d", len(d.Realm), schema.MaxRealm)
	case len(d.ID) > schema.MaxClient:
		return d, invalidf("client: %d bytes, want 1 to %d", len(d.ID), schema.MaxClient)
	case len(d.Label) > schema.MaxClient:
		return d, invalidf("label: %d bytes, want 1 to %d", len(d.Label), schema.MaxClient)
	case !utf8.ValidString(d.Label):
		return d, invalidf("label: not valid UTF-8")
	case !utf8.ValidString(d.Realm):
		return d, invalidf("realm: not valid UTF-8")
	case !utf8.ValidString(d.ID):
		return d, invalidf("client: not valid UTF-8")
	case d.Timeout < 0:
		return d, invalidf("timeout: %s is negative", d.Timeout)
	}
	_, err := ttlMillis(d.TTL)
	return d, err
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
	ttl     int64 // milliseconds
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

// TTL sets how long the hold lives without renewal, 10 ms to 24 h in whole
// milliseconds. Default: the Client's.
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
// that. Default: a fresh one, so that locks are not re-entrant.
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
// by Lock.Renew, and Client.Close does not release it.
func NoRenew() AcquireOption {
	return func(t *terms) error {
		t.noRenew = true
		return nil
	}
}

// ttlMillis is a TTL in the protocol's unit.
func ttlMillis(d time.Duration) (int64, error) {
	ms := d.Milliseconds()
	if ms < schema.MinTTL || ms > schema.MaxTTL || d%time.Millisecond != 0 {
		return 0, invalidf("ttl: %s, want whole milliseconds from 10ms to 24h", d)
	}
	return ms, nil
}

func invalidf(format string, args ...any) error {
	return &Error{Status: schema.StatusInvalid, Message: fmt.Sprintf(format, args...)}
}
