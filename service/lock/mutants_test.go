//go:build mutants

package lock

import (
	"context"
	"errors"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A mutant is the core with one fault put in: a text, which is there exactly
// once, replaced by another.
type mutant struct {
	fault     string
	file      string
	text, out string
}

// TestEveryMutantIsKilled runs the tests of this package on each mutant of the
// core. A mutant that they let live is a fault that they would not find:
//
//	go test -tags mutants -run TestEveryMutantIsKilled -v ./service/lock
//
// Most mutants are in one program (see breed). That it passes with none of its
// faults on shows that what kills a mutant is its fault.
func TestEveryMutantIsKilled(t *testing.T) {
	program, apart := breed(t)
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		if by, err := killer(t, program, noFault); by != "" || err != nil {
			t.Fatalf("the core without a fault is killed by %s: %v", by, err)
		}
	})
	for i, m := range mutants {
		t.Run(m.fault, func(t *testing.T) {
			t.Parallel()
			start, program := time.Now(), program
			if apart[i] {
				program = m.alone(t)
			}
			by, err := killer(t, program, i)
			if err != nil {
				t.Fatalf("%s: %v", m.file, err)
			}
			if by == "" {
				t.Fatalf("%s: survives: %q became %q", m.file, m.text, m.out)
			}
			t.Logf("%s: killed by %s in %v", m.file, by, time.Since(start).Round(10*time.Millisecond))
		})
	}
}

// killer is the first test that fails in the program when one of its faults is
// on, or "" if none does.
func killer(t *testing.T, program string, fault int) (string, error) {
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, "-test.failfast", "-test.timeout=2m",
		"-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s")
	c.Env = append(c.Environ(), faultOn+"="+strconv.Itoa(fault))
	out, err := c.CombinedOutput()
	if err == nil {
		return "", nil
	}
	if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || ctx.Err() != nil {
		return "", errors.Join(err, ctx.Err(), errors.New(string(out)))
	}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "---" {
			return words[2], nil
		}
	}
	return "a panic", nil
}
