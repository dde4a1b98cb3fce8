package bus

import (
	"context"
	"encoding/json"
	"fmt"
)

// Extent implements Store. A key that another key-value client deleted counts.
func (b *Bucket) Extent(ctx context.Context) (Extent, error) {
	info, err := b.lookup(ctx)
	if err != nil {
		return Extent{}, fmt.Errorf("bucket %s: %w", b.cfg.Name, err)
	}
	return Extent{Keys: info.State.Messages, First: info.State.FirstSeq}, nil
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
