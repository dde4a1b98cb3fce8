package bench

import (
	"errors"
	"fmt"
	"os"
	"time"
)

const (
	syncs    = 200
	syncSize = 4 << 10
)

// Fsync is the median time that the disk below a directory takes to make 4 KiB
// durable: what each write costs at least with --sync always.
func Fsync(dir string) (median time.Duration, err error) {
	f, err := os.CreateTemp(dir, "natslock-fsync-")
	if err != nil {
		return 0, fmt.Errorf("measure fsync: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	block := make([]byte, syncSize)
	took := make(samples, 0, syncs)
	for range syncs {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("measure fsync: %w", err)
		}
		took = append(took, time.Since(start))
	}
	took.sort()
	return took.quantile(0.5), nil
}
