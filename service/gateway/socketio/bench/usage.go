package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit in which Linux counts the time of a process.
const tick = 10 * time.Millisecond

// used is what a process uses: memory, and the time of processors so far.
type used struct {
	bytes int
	cpu   time.Duration
}

// usage reads the line of a process in /proc/PID/stat. Its fields are counted from the
// end of the name, which may have spaces.
func usage(pid int) (used, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return used{}, err
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	const user, system, resident = 11, 12, 21
	if len(fields) <= resident {
		return used{}, fmt.Errorf("stat of %d: %q", pid, text)
	}
	var numbers [3]int
	for i, field := range []int{user, system, resident} {
		if numbers[i], err = strconv.Atoi(fields[field]); err != nil {
			return used{}, fmt.Errorf("stat of %d: %w", pid, err)
		}
	}
	return used{bytes: numbers[2] * os.Getpagesize(), cpu: time.Duration(numbers[0]+numbers[1]) * tick}, nil
}
