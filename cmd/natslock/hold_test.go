package main

import (
	"bufio"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

// A process that holds by presence and dies leaves nothing behind for long: its
// connection closes, and the next in line has the lock after the grace.
func TestWhatADeadProcessHeldGoesOnAfterTheGrace(t *testing.T) {
	flags := callerFlags(t)
	for lock, args := range map[string][]string{
		"x": append(append([]string{"run"}, flags...), "x", "--", "sleep", "60"),
		"y": append(append([]string{"acquire"}, flags...), "y", "--hold"),
	} {
		granted := when(t, schema.EventGranted)
		cmd := process(t, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		granted()
		begin := time.Now()
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		ok(t, "acquire", lock, "--wait", "30s", "--quiet")
		if took := time.Since(begin); took < time.Second || took > 8*time.Second {
			t.Errorf("%s: the next had it after %s", args[0], took)
		}
	}
}

func TestAcquireHoldsUntilItIsInterrupted(t *testing.T) {
	cmd := process(t, append(append([]string{"acquire"}, callerFlags(t)...), "a", "b", "--hold", "--json")...)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out := bufio.NewReader(stdout)
	if line, err := out.ReadString('\n'); err != nil || !strings.HasPrefix(line, `{"status":"granted",`) || strings.Count(line, `"token":`) != 2 {
		t.Fatalf("%q, %v", line, err)
	}
	natslock(t, "acquire", "b", "--hold").want(t, 1, "held by")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("interrupted: %v", err)
	}
	ok(t, "acquire", "a", "b")
}

func TestAcquireThatHoldsSaysWhenTheLockIsLost(t *testing.T) {
	granted := when(t, schema.EventGranted)
	done := make(chan result)
	go func() { done <- natslock(t, "acquire", "a", "--hold") }()
	granted()
	ok(t, "force", "a", "--reason", "maintenance")
	(<-done).want(t, 3, "lost (ended by force: maintenance)")
}
