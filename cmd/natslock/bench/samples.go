package bench

import (
	"slices"
	"time"
)

// samples are the latencies of a point.
type samples []time.Duration

// quantile is the smallest sample that a share q of all do not exceed; 0
// without samples. The samples must be sorted.
func (s samples) quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	return s[min(int(q*float64(len(s))), len(s)-1)]
}

func (s samples) sort() { slices.Sort(s) }
