package bench

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// clockTick is the unit in which Linux tells programs about CPU time.
const clockTick = 10 * time.Millisecond

// CPU is the time that a process has used so far, of all cores together. It reads
// /proc, so it is an error where there is none.
func CPU(pid int) (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("CPU time: %w", err)
	}
	// The name of the program, in parentheses, may contain anything. What follows
	// begins with field 3; 14 and 15 are user and system time.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return 0, fmt.Errorf("CPU time: process %d tells none", pid)
	}
	var sum time.Duration
	for _, f := range fields[11:13] {
		ticks, err := strconv.ParseInt(string(f), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("CPU time: %w", err)
		}
		sum += time.Duration(ticks) * clockTick
	}
	return sum, nil
}

// load is the share of one core that each of some processes uses while something lasts.
func load(lasts func() error, pids ...int) ([]float64, error) {
	used := make([]float64, len(pids))
	add := func(sign float64) error {
		for i, pid := range pids {
			cpu, err := CPU(pid)
			if err != nil {
				return err
			}
			used[i] += sign * cpu.Seconds()
		}
		return nil
	}
	if err := add(-1); err != nil {
		return nil, err
	}
	start := time.Now()
	if err := lasts(); err != nil {
		return nil, err
	}
	took := time.Since(start).Seconds()
	if err := add(1); err != nil {
		return nil, err
	}
	for i := range used {
		used[i] /= took
	}
	return used, nil
}
