package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Extent implements Store. A key that another key-value client deleted counts.
// The limit is what the account has left; that of a server or of its disk is not
// told to clients.
func (b *Bucket) Extent(ctx context.Context) (Extent, error) {
	info, err := b.lookup(ctx)
	if err != nil {
		return Extent{}, fmt.Errorf("bucket %s: %w", b.cfg.Name, err)
	}
	e := Extent{Keys: info.State.Messages, First: info.State.FirstSeq, Bytes: info.State.Bytes}
	room, limited, err := b.room(ctx, info.Config.Replicas)
	if err != nil {
		return Extent{}, fmt.Errorf("bucket %s: %w", b.cfg.Name, err)
	}
	if limited {
		e.Limit = max(e.Bytes+room, 1)
	}
	return e, nil
}

// usage is what an account, or one tier of it, takes and may take.
type usage struct {
	Memory  uint64 `json:"memory"`
	Storage uint64 `json:"storage"`
	Limits  struct {
		Memory  int64 `json:"max_memory"`
		Storage int64 `json:"max_storage"`
	} `json:"limits"`
}

// accountInfo is the answer of the JetStream API about an account.
type accountInfo struct {
	Error *apiError `json:"error"`
	usage
	Tiers map[string]usage `json:"tiers"`
}

// left is how many bytes a stream of so many copies may grow by. limited is false
// if nothing bounds it.
func (a *accountInfo) left(memory bool, copies int) (room uint64, limited bool) {
	u, each := a.usage, int64(max(copies, 1)) // each copy counts
	total := int64(1)
	if len(a.Tiers) > 0 {
		u, total = a.Tiers["R"+strconv.Itoa(max(copies, 1))], each // the limit is that of one copy
	}
	used, limit := u.Storage, u.Limits.Storage
	if memory {
		used, limit = u.Memory, u.Limits.Memory
	}
	if limit < 0 || limit == 0 && u == (usage{}) {
		return 0, false
	}
	return uint64(max(limit*total-int64(used), 0) / each), true
}

// room asks what the account has left for the stream. Who may not ask is told
// that there is no limit.
func (b *Bucket) room(ctx context.Context, copies int) (room uint64, limited bool, err error) {
	if b.unasked.Load() {
		return 0, false, nil
	}
	var info accountInfo
	if err := b.query(ctx, "INFO", nil, &info); err != nil {
		if errors.Is(err, ErrDenied) {
			b.unasked.Store(true)
			return 0, false, nil
		}
		return 0, false, err
	}
	if info.Error != nil {
		return 0, false, info.Error
	}
	room, limited = info.left(b.cfg.Memory, copies)
	return room, limited, nil
}

// Purge implements Store. The revision may be one that is yet to come: then the
// next one is no smaller.
func (b *Bucket) Purge(ctx context.Context, below uint64) error {
	body, err := json.Marshal(struct {
		Seq uint64 `json:"seq"`
	}{below})
	if err != nil {
		return err
	}
	if _, err := b.ask(ctx, "STREAM.PURGE."+b.stream, body); err != nil {
		return fmt.Errorf("purge bucket %s below %d: %w", b.cfg.Name, below, err)
	}
	return nil
}
