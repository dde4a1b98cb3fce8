package main

import (
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
)

// Somebody removes a part of the store, or a NATS that was started anew has
// forgotten what it kept in memory: all goes on, and tokens grow.
func TestServeBeginsAnewWhenTheStoreIsRemoved(t *testing.T) {
	url := plainNATS(t, true)
	s := startServe(t, "--nats-url", url)
	nc, err := natsgo.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	const patience = 5 * time.Minute // with a machine that has much else to do
	js, err := nc.JetStream(natsgo.MaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	acquire := func() int {
		t.Helper()
		out := bare(t, "acquire", "x", "--ttl", "1h", "--server", url, "--timeout", patience.String()).want(t, 0, "").out
		token, err := strconv.Atoi(strings.TrimSpace(out))
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	before := acquire()
	for _, bucket := range []string{locksBucket, sessionsBucket} {
		if err := js.DeleteStream("KV_" + bucket); err != nil {
			t.Fatal(err)
		}
	}
	if after := acquire(); after <= before {
		t.Errorf("the token is %d after %d", after, before)
	}
	bare(t, "inspect", "x", "--server", url, "--timeout", patience.String()).want(t, 0, "")
	if got := s.stop(t, syscall.SIGTERM); got != 0 {
		t.Errorf("status %d; %q", got, s.lines)
	}
	log := strings.Join(s.lines, "\n")
	if !strings.Contains(log, "the store was removed") || strings.Count(log, "natslock: ready") != 1 {
		t.Errorf("logged %s", log)
	}
}
