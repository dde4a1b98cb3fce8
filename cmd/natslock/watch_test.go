package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// watching runs watch until the test ends, and returns its output.
func watching(t *testing.T, args ...string) *bufio.Reader {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, outW := io.Pipe()
	err, errW := io.Pipe()
	done := make(chan int, 1)
	go func() {
		args := append(append([]string{"watch"}, callerFlags(t)...), args...)
		done <- Main(ctx, args, &system{in: strings.NewReader(""), out: outW, err: errW})
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	line, readErr := bufio.NewReader(err).ReadString('\n')
	if want := "natslock: watching realm " + realm(t) + "\n"; readErr != nil || line != want {
		t.Fatalf("%q, %v", line, readErr)
	}
	go func() { _, _ = io.Copy(io.Discard, err) }()
	return bufio.NewReader(out)
}

func TestWatchPrintsEventsInAPipe(t *testing.T) {
	events := watching(t, "--prefix", "x")
	ok(t, "acquire", "other")
	token := ok(t, "acquire", "x", "--client", "a", "--owner", "o")
	ok(t, "release", "x", "--token", token)
	for _, want := range []string{
		"TIME	granted	x	a	o	TOKEN	exclusive	-	-	-\n",
		"TIME	released	x	a	o	TOKEN	exclusive	release	-	DURATION\n",
	} {
		line, err := events.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, masked(line)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestWatchJSONIsOneEventOnEachLine(t *testing.T) {
	events := watching(t, "--json", "--type", "released,forced")
	ok(t, "acquire", "x")
	ok(t, "force", "x")
	line, err := events.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	if e := object(t, line); e["type"] != "forced" || e["name"] != "x" || e["realm"] != realm(t) {
		t.Error(line)
	}
}

func TestWatchRefusesTypesThatAreNone(t *testing.T) {
	natslock(t, "watch", "--type", "granted,stolen").want(t, 2, `"stolen"`)
}
