package bus

import "context"

// forward moves the next revision of an empty bucket in memory up to the one
// that a new bucket would begin with. A single server that is started again has
// its streams in memory as they were made, and would give revisions once more.
// It is done twice when two do it at once, which changes little: the larger one stays.
func (b *Bucket) forward(ctx context.Context) error {
	for {
		info, err := b.lookup(ctx)
		if err == nil && (info.State.Messages > 0 || info.State.LastSeq+1 >= b.cfg.FirstSeq) {
			return nil
		}
		if err == nil {
			err = b.Purge(ctx, b.cfg.FirstSeq)
		}
		if err == nil {
			b.log.Debug("moved the next revision", "bucket", b.cfg.Name, "to", b.cfg.FirstSeq)
			return nil
		}
		if !transient(err) {
			return err
		}
		if err := b.pause(ctx, err); err != nil {
			return err
		}
	}
}
