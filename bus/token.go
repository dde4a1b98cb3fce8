package bus

import (
	"fmt"
	"time"
)

// seqPerSecond bounds how many writes a second a bucket can take in the long
// run without a bucket that is made anew starting below the old one.
const seqPerSecond = 20_000

var (
	// seqEpoch is where FirstSeq counts from.
	seqEpoch = time.Date(2025, time.January, 1, 0, 0, 0, 0, time.UTC)
	// built is a time that has certainly passed: a clock before it is wrong.
	built = time.Date(2026, time.November, 1, 0, 0, 0, 0, time.UTC)
	// over is when there are too few revisions left below maxRevision for a
	// bucket that begins then: 3 years of them.
	over = time.Date(2077, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// maxRevision bounds revisions: 256 tokens of each are below 2^53.
const maxRevision = 1 << 45

// FirstSeq returns the first revision for a bucket that is created at now, so
// high that no bucket of that name that was made earlier, and lost, can have
// given it already. It is below 2^45 (2^53 after times 256) for fifty years.
// It refuses a clock that is certainly wrong, because that could give
// revisions a second time.
func FirstSeq(now time.Time) (uint64, error) {
	if now.Before(built) {
		return 0, fmt.Errorf("the clock says %s, which is before this program was made: set it before creating the store, or tokens could be given twice",
			now.UTC().Format(time.RFC3339))
	}
	if now.After(over) {
		return 0, fmt.Errorf("the clock says %s, for which revisions are too large: set it before creating the store, or tokens will not fit into 53 bits",
			now.UTC().Format(time.RFC3339))
	}
	return seqAt(now), nil
}

func seqAt(t time.Time) uint64 { return uint64(t.Sub(seqEpoch) / (time.Second / seqPerSecond)) }
