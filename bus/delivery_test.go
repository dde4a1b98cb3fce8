package bus

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
)

// A watch without a server: messages are handed to it one by one.
type handed struct {
	watch
	t    *testing.T
	keys []string
}

func newHanded(t *testing.T) *handed {
	h := &handed{t: t}
	h.watch = watch{
		bucket: &Bucket{prefix: "$KV.x."},
		seen:   func(e Entry) { h.keys = append(h.keys, e.Key) },
		ready:  func() { h.keys = append(h.keys, "ready") },
		broken: make(chan struct{}, 1),
		target: 9,
		sub:    &nats.Subscription{},
	}
	return h
}

func (h *handed) deliver(key string, revision, delivery int) {
	h.receive(&nats.Msg{
		Subject: "$KV.x." + key, Sub: h.sub, Data: []byte("v"),
		Reply: fmt.Sprintf("$JS.ACK.KV_x.c.1.%d.%d.1700000000000000000.0", revision, delivery),
	})
}

func (h *handed) expect(broken bool, keys ...string) {
	h.t.Helper()
	if fmt.Sprint(h.keys) != fmt.Sprint(keys) {
		h.t.Errorf("saw %v, want %v", h.keys, keys)
	}
	if (len(h.broken) > 0) != broken {
		h.t.Errorf("broken is %t", !broken)
	}
}

func TestReadyComesWhenTheNewestWasSeen(t *testing.T) {
	h := newHanded(t)
	h.deliver("a", 5, 1)
	h.deliver("b", 9, 2)
	h.deliver("c", 10, 3)
	h.expect(false, "a", "b", "ready", "c")
}

func TestReadyComesWhenTheNewestWasReplaced(t *testing.T) {
	h := newHanded(t)
	h.deliver("a", 5, 1)
	h.deliver("b", 12, 2)
	h.expect(false, "a", "b", "ready")
}

func TestAMissingMessageBreaksTheConsumer(t *testing.T) {
	h := newHanded(t)
	h.deliver("a", 5, 1)
	h.deliver("c", 7, 3)
	h.expect(true, "a")
}

func TestAMissingMessageAtTheEndShowsInTheBeat(t *testing.T) {
	h := newHanded(t)
	h.deliver("a", 5, 1)
	beat := func(last string) {
		h.receive(&nats.Msg{Sub: h.sub, Header: nats.Header{"Status": {"100"}, "Nats-Last-Consumer": {last}}})
	}
	beat("1")
	h.expect(false, "a")
	beat("2")
	h.expect(true, "a")
}

func TestWhatWasSeenIsNotSeenAgain(t *testing.T) {
	h := newHanded(t)
	h.deliver("a", 5, 1)
	h.delivery = 0 // a new consumer
	h.deliver("a", 5, 1)
	h.deliver("b", 6, 2)
	h.expect(false, "a", "b")
}

func TestAReplacedConsumerIsNotHeard(t *testing.T) {
	h := newHanded(t)
	old := h.sub
	h.sub = &nats.Subscription{}
	h.receive(&nats.Msg{Subject: "$KV.x.a", Sub: old, Reply: "$JS.ACK.KV_x.c.1.5.1.1700000000000000000.0"})
	h.expect(false)
}
