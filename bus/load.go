package bus

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	headerOperation = "KV-Operation"
	firstTry        = 250 * time.Millisecond
)

// Load implements Store: the leader of the stream answers. A key that another
// key-value client deleted has the revision of its deletion and no value; its
// next write must expect that revision.
func (b *Bucket) Load(ctx context.Context, key string) (Entry, error) {
	if !ValidKey(key) {
		return Entry{}, fmt.Errorf("load %.80q: %w", key, ErrInvalidKey)
	}
	entry, err := b.loadLast(ctx, b.prefix+key)
	if err != nil {
		return Entry{}, fmt.Errorf("load %.80q: %w", key, err)
	}
	entry.Key = key
	return entry, nil
}

// loadLast reads the newest message of a subject, which may have wildcards and
// needs no escaping.
func (b *Bucket) loadLast(ctx context.Context, subject string) (Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	body := []byte(`{"last_by_subj":"` + subject + `"}`)
	m, err := b.request(ctx, "STREAM.MSG.GET."+b.stream, body)
	if err != nil {
		return Entry{}, unreachable(err)
	}
	var answer struct {
		Error   *apiError `json:"error"`
		Message *struct {
			Seq    uint64 `json:"seq"`
			Header []byte `json:"hdrs"`
			Data   []byte `json:"data"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return Entry{}, fmt.Errorf("%w: %s: %w", ErrUnavailable, textUnacceptable, err)
	}
	switch {
	case answer.Error != nil && answer.Error.Code == codeNoMessage:
		return Entry{}, nil
	case answer.Error != nil:
		return Entry{}, fmt.Errorf("%w: %w", ErrUnavailable, answer.Error)
	case answer.Message == nil || answer.Message.Seq == 0:
		return Entry{}, fmt.Errorf("%w: %s", ErrUnavailable, textUnacceptable)
	}
	entry := Entry{Value: answer.Message.Data, Revision: answer.Message.Seq}
	if bytes.Contains(answer.Message.Header, []byte("\r\n"+headerOperation+":")) {
		entry.Value = nil
	}
	return entry, nil
}

// request asks the API something that may be asked again, in tries that grow
// longer: while the leader of the stream changes, some get no answer.
func (b *Bucket) request(ctx context.Context, api string, body []byte) (*nats.Msg, error) {
	for wait := firstTry; ; wait *= 2 {
		try, cancel := context.WithTimeout(ctx, wait)
		m, err := b.nc.RequestWithContext(try, apiPrefix+api, body)
		cancel()
		if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
			return m, err
		}
	}
}
