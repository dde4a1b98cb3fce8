package bus

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrGone says that the bucket is not there any more: somebody removed it, or a
// server that kept it in memory was started anew. Everything in it is lost; only
// OpenBucket makes it again, with revisions above all that there were.
var ErrGone = errors.New("the store was removed")

const (
	goneLook  = 2 * time.Second // from one look to the next
	goneTimes = 3               // looks in a row that find nothing: a cluster may not know it yet
)

// attend looks whether the bucket is there, until ctx ends, and calls gone once if
// it is not. A watch alone would not find out: it may rest, and its consumer can
// have other reasons to be gone.
func (b *Bucket) attend(ctx context.Context, gone context.CancelCauseFunc) {
	tick := time.NewTicker(goneLook)
	defer tick.Stop()
	for missed := 0; missed < goneTimes; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		switch _, err := b.lookup(ctx); {
		case err == nil:
			missed = 0
		case errors.Is(err, errNoStream):
			missed++
		}
	}
	gone(fmt.Errorf("bucket %s: %w", b.cfg.Name, ErrGone))
}
