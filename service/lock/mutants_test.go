//go:build mutants

package lock

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
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
func TestEveryMutantIsKilled(t *testing.T) {
	turn := make(chan struct{}, 2)
	for _, m := range mutants {
		t.Run(m.fault, func(t *testing.T) {
			t.Parallel()
			turn <- struct{}{}
			defer func() { <-turn }()
			start := time.Now()
			by, err := m.killer(t)
			if err != nil {
				t.Fatalf("%s: %v", m.file, err)
			}
			if by == "" {
				t.Fatalf("%s: survives: %q became %q", m.file, m.text, m.out)
			}
			t.Logf("%s: killed by %s in %v", m.file, by, time.Since(start).Round(100*time.Millisecond))
		})
	}
}

// killer is the first test that fails on the mutant, or "" if none does.
func (m mutant) killer(t *testing.T) (string, error) {
	overlay, err := m.overlay(t.TempDir())
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "go", "test", "-overlay", overlay, "-vet=off", "-count=1", "-failfast",
		"-timeout=2m", "-rapid.seed=1", "-rapid.nofailfile", "-rapid.shrinktime=0s", ".")
	out, err := c.CombinedOutput()
	if exit := (*exec.ExitError)(nil); err != nil && !errors.As(err, &exit) {
		return "", err
	}
	switch {
	case err == nil:
		return "", nil
	case ctx.Err() != nil || bytes.Contains(out, []byte("[build failed]")) || bytes.Contains(out, []byte("[setup failed]")):
		return "", errors.New("is no mutant: " + string(out))
	}
	for line := range strings.Lines(string(out)) {
		if words := strings.Fields(line); len(words) > 2 && words[0] == "---" {
			return words[2], nil
		}
	}
	return "a panic", nil
}

// overlay writes the mutant's file, and what makes the go command use it.
func (m mutant) overlay(dir string) (string, error) {
	source, err := os.ReadFile(m.file)
	if err != nil {
		return "", err
	}
	if n := strings.Count(string(source), m.text); n != 1 {
		return "", errors.New("the text to replace is there " + strings.Repeat("again and ", min(n, 3)) + "not once")
	}
	original, err := filepath.Abs(m.file)
	if err != nil {
		return "", err
	}
	mutated, overlay := filepath.Join(dir, "mutated"), filepath.Join(dir, "overlay.json")
	replace := map[string]map[string]string{"Replace": {original: mutated}}
	data, err := json.Marshal(replace)
	if err != nil {
		return "", err
	}
	return overlay, errors.Join(
		os.WriteFile(mutated, []byte(strings.Replace(string(source), m.text, m.out, 1)), 0o600),
		os.WriteFile(overlay, data, 0o600),
	)
}
