package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	apiPrefix      = "$JS.API."
	kvPrefix       = "$KV."
	maxKey         = 3000            // bytes: with inbox and lengths below the server's line of 4096
	maxBatch       = 1000            // messages of an atomic batch
	defaultTimeout = 2 * time.Second // for an outcome
	tryTimeout     = 3 * time.Second // for one try to create: the first in a new cluster can hang
	tryPause       = 100 * time.Millisecond
)

// BucketConfig says which bucket to open, and how to make it if it is not there.
type BucketConfig struct {
	Name     string        // letters, digits, _ and -
	Replicas int           // 1, 3 or 5. Default: 1
	Memory   bool          // in memory, not in files
	FirstSeq uint64        // the first revision of a new bucket. Default: 1
	Timeout  time.Duration // after which an outcome is unknown. Default: 2 s
	Logger   *slog.Logger  // Default: none
}

// Bucket is a Store in JetStream.
type Bucket struct {
	nc      *nats.Conn
	cfg     BucketConfig
	stream  string // KV_<name>
	prefix  string // $KV.<name>.
	log     *slog.Logger
	acks    *nats.Subscription
	pub     publisher
	pending pending
	rest    atomic.Pointer[rest] // of the watch that hears of commits; nil if there is none
	behind  atomic.Int64         // writes that the watch has yet to see
	unasked atomic.Bool          // for the limits of the account: we may not
	status  chan nats.Status
	quit    chan struct{}
	settled sync.WaitGroup
	close   sync.Once
}

var bucketName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// OpenBucket opens the bucket, creating it if it is not there, and keeps trying
// until ctx ends while the store has no leader. A bucket that is there is used
// as it is; one whose settings would break locks is refused with an error that
// names the settings. The caller closes the Bucket before the connection.
func OpenBucket(ctx context.Context, nc *nats.Conn, cfg BucketConfig) (*Bucket, error) {
	if !bucketName.MatchString(cfg.Name) {
		return nil, fmt.Errorf("bucket name %q: letters, digits, _ and -, at most 64", cfg.Name)
	}
	if cfg.Replicas == 0 {
		cfg.Replicas = 1
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	b := &Bucket{
		nc:     nc,
		cfg:    cfg,
		stream: "KV_" + cfg.Name,
		prefix: kvPrefix + cfg.Name + ".",
		log:    cfg.Logger,
		quit:   make(chan struct{}),
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if err := b.ensure(ctx); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", cfg.Name, err)
	}
	if cfg.Memory {
		if err := b.forward(ctx); err != nil {
			return nil, fmt.Errorf("bucket %s: %w", cfg.Name, err)
		}
	}
	if err := b.listen(); err != nil {
		return nil, fmt.Errorf("bucket %s: %w", cfg.Name, err)
	}
	if err := b.reach(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bucket %s: %w", cfg.Name, err), b.Close())
	}
	return b, nil
}

// reach waits until writes find their way to the leader of the stream, which
// the servers of a cluster learn some time after it was made. A write that must
// conflict shows it and changes nothing.
func (b *Bucket) reach(ctx context.Context) error {
	const key, never = "probe", 1 << 62
	denied := watchDenied(b.nc, b.prefix+key, "")
	for {
		outcome := make(chan error, 1)
		b.Commit([]Write{{Key: key, Expected: never}}, func(_ uint64, err error) { outcome <- err })
		var err error
		select {
		case err = <-outcome:
		case <-time.After(deniedAfter):
			if err := denied(); err != nil {
				return err
			}
			err = <-outcome
		}
		if errors.Is(err, ErrConflict) {
			return nil
		}
		if err := b.pause(ctx, err); err != nil {
			return err
		}
	}
}

// pause waits a little before another try; when ctx ends meanwhile, its error
// says what went wrong so far.
func (b *Bucket) pause(ctx context.Context, last error) error {
	b.log.Debug("the store is not there yet", "bucket", b.cfg.Name, "error", last)
	pause := time.NewTimer(tryPause)
	defer pause.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("%w (%w)", ctx.Err(), last)
	case <-pause.C:
		return nil
	}
}

// Behind is how many writes the watch had yet to see when the last one came.
func (b *Bucket) Behind() int64 { return b.behind.Load() }

// Close ends the Bucket. Commits that have no outcome yet get ErrUnknown before
// it returns, later ones ErrUnavailable.
func (b *Bucket) Close() error {
	var err error
	b.close.Do(func() { err = b.unlisten() })
	return err
}

// ensure looks for the stream and creates it if it is not there.
func (b *Bucket) ensure(ctx context.Context) error {
	var last error
	for {
		info, err := b.lookup(ctx)
		if errors.Is(err, errNoStream) {
			info, err = b.create(ctx)
		}
		if err == nil {
			b.warnCopies(info)
			return b.check(info)
		}
		if !transient(err) {
			return err
		}
		if last == nil {
			b.log.Warn("the store is not there yet", "bucket", b.cfg.Name, "error", err)
		}
		if last == nil || ctx.Err() == nil {
			last = err
		}
		if err := b.pause(ctx, last); err != nil {
			return err
		}
	}
}

// warnCopies tells of a bucket that has fewer copies than were asked for. It is
// used all the same: no lock breaks by it, but a dead server may take all along.
func (b *Bucket) warnCopies(info streamInfo) {
	if has := info.Config.Replicas; has < b.cfg.Replicas {
		b.log.Warn("the bucket was made with fewer replicas, and is used as it is", "bucket", b.cfg.Name,
			"has", has, "asked", b.cfg.Replicas, "mend", fmt.Sprintf("nats stream edit %s --replicas=%d", b.stream, b.cfg.Replicas))
	}
}

// errNoStream says that the stream is not there.
var errNoStream = errors.New("no such bucket")

// lookup asks for the stream's settings.
func (b *Bucket) lookup(ctx context.Context) (streamInfo, error) {
	info, err := b.ask(ctx, "STREAM.INFO."+b.stream, nil)
	if err == nil {
		b.pending.replicated(info.Config.Replicas > 1)
	}
	return info, err
}

// create makes the stream. Another that makes it at the same time is no error.
func (b *Bucket) create(ctx context.Context) (streamInfo, error) {
	body, err := json.Marshal(b.want())
	if err != nil {
		return streamInfo{}, err
	}
	info, err := b.ask(ctx, "STREAM.CREATE."+b.stream, body)
	var api *apiError
	if errors.As(err, &api) && api.Code == codeStreamExists {
		return b.lookup(ctx)
	}
	if err == nil {
		b.pending.replicated(info.Config.Replicas > 1)
		b.log.Info("created bucket", "bucket", b.cfg.Name, "replicas", b.cfg.Replicas, "first_revision", b.cfg.FirstSeq)
	}
	return info, err
}

// ask sends one request about the stream to the JetStream API.
func (b *Bucket) ask(ctx context.Context, api string, body []byte) (streamInfo, error) {
	var info streamInfo
	if err := b.query(ctx, api, body, &info); err != nil {
		return info, err
	}
	if info.Error != nil {
		if info.Error.Code == codeNoStream {
			return info, errNoStream
		}
		return info, info.Error
	}
	return info, nil
}

// query sends one request to the JetStream API and gives it a few seconds.
func (b *Bucket) query(ctx context.Context, api string, body []byte, answer any) error {
	try, cancel := context.WithTimeout(ctx, tryTimeout)
	defer cancel()
	denied := watchDenied(b.nc, apiPrefix+api, "")
	look := time.AfterFunc(deniedAfter, func() {
		if denied() != nil {
			cancel()
		}
	})
	defer look.Stop()
	m, err := b.nc.RequestWithContext(try, apiPrefix+api, body)
	if err != nil {
		if err := denied(); err != nil {
			return err
		}
		return unreachable(err)
	}
	if err := json.Unmarshal(m.Data, answer); err != nil {
		return fmt.Errorf("answer of the store: %w", err)
	}
	return nil
}

// ValidKey tells whether the key can be one: not empty, of bounded length, and
// of the characters that key-value clients allow.
func ValidKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	begins := true // of a token
	for i := range len(key) {
		c := key[i]
		if !keyBytes[c] || c == '.' && begins {
			return false
		}
		begins = c == '.'
	}
	return !begins
}

// keyBytes tells of each byte whether it may be in a key.
var keyBytes = func() (ok [256]bool) {
	for _, c := range "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_/=." {
		ok[c] = true
	}
	return ok
}()
