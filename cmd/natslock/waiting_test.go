package main

import (
	"bufio"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"
)

// In the log of a job, too, it is to be seen what a job has waited for, and for
// how long.
func TestWaitIsToldInALog(t *testing.T) {
	for command, args := range map[string][]string{
		"run":     {"run", "x", "--", "true"},
		"acquire": {"acquire", "x", "--wait", "1h"},
		"hold":    {"acquire", "x", "--wait", "1h", "--hold"},
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			token := ok(t, "acquire", "x", "--client", "worker-7")
			cmd := process(t, append(args[:1:1], append(callerFlags(t), args[1:]...)...)...)
			stderr, err := cmd.StderrPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			said := bufio.NewScanner(stderr)
			for _, want := range []string{
				`^natslock: waiting for "x": held by worker-7 since \d\d:\d\d:\d\d \(.*s ago\)$`, `^natslock: granted "x" after [\dm.]+s$`,
			} {
				if said.Scan(); !regexp.MustCompile(want).MatchString(said.Text()) {
					t.Errorf("said %q, want %s", said.Text(), want)
				}
				if token != "" {
					ok(t, "release", "x", "--token", token)
					token = ""
				}
			}
			if command == "hold" {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
			if said.Scan() {
				t.Errorf("also said %q", said.Text())
			}
			_ = cmd.Wait()
		})
	}
}

func TestWaitIsNotToldToWhoWantsQuiet(t *testing.T) {
	ok(t, "acquire", "x")
	wait := (tellEvery + tellEvery/2).String()
	done := make(chan string)
	commands := [][]string{
		{"acquire", "x", "--wait", wait, "--quiet"}, {"acquire", "x", "--wait", wait, "--json"}, {"acquire", "x", "--wait", wait, "-q", "--hold"},
		{"run", "--wait", wait, "-q", "x", "--", "true"}, {"run", "--wait", wait, "--json", "x", "--", "true"},
	}
	for _, args := range commands {
		go func() { done <- natslock(t, args...).err }()
	}
	for range commands {
		if said := <-done; strings.Contains(said, "waiting") {
			t.Error(said)
		}
	}
}

func TestBriefWaitIsNotTold(t *testing.T) {
	w := waiting{now: time.Now, stop: func() {}}
	var said strings.Builder
	if w.end(&system{err: &said}, true); said.Len() > 0 {
		t.Error(said.String())
	}
}
