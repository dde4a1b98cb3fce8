package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// The garbage that is let lie before it is collected. A service that moves many
// small messages through a small heap would collect all the time by Go's rule of
// as much garbage as is alive.
const (
	garbageRoom    = 64 << 20 // bytes
	maxGarbage     = 400      // percent of what is alive
	defaultGarbage = 100      // percent of what is alive: Go's own
	garbageLook    = 500 * time.Millisecond
)

// garbagePercent is how much garbage, in percent of the live bytes, may lie.
func garbagePercent(live uint64) int {
	return int(min(max(garbageRoom*100/max(live, 1), defaultGarbage), maxGarbage))
}

// tuneCollector adjusts the garbage collector to the heap until ctx ends, unless
// the environment says what it is to do.
func tuneCollector(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	defer debug.SetGCPercent(debug.SetGCPercent(maxGarbage))
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(garbageLook)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		metrics.Read(sample)
		if sample[0].Value.Kind() == metrics.KindUint64 {
			debug.SetGCPercent(garbagePercent(sample[0].Value.Uint64()))
		}
	}
}
