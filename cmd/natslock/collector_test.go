package main

import (
	"context"
	"runtime/debug"
	"testing"
)

func TestGarbageMayLieUpToItsRoom(t *testing.T) {
	for live, want := range map[uint64]int{
		0:         maxGarbage,
		8 << 20:   maxGarbage,
		32 << 20:  200,
		64 << 20:  defaultGarbage,
		1 << 30:   defaultGarbage,
		1<<64 - 1: defaultGarbage,
	} {
		if got := garbagePercent(live); got != want {
			t.Errorf("with %d bytes alive: %d percent, want %d", live, got, want)
		}
	}
}

func TestCollectorIsLeftAsItWas(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(123)
	defer debug.SetGCPercent(before)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tuneCollector(ctx)
	if got := debug.SetGCPercent(123); got != 123 {
		t.Errorf("percent is %d after the end, want 123", got)
	}
}
