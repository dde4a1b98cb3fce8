package client_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
)

// partition is a way in which a client and the server can lose each other while
// neither is told.
type partition struct {
	name  string
	shut  func(*strait)
	heard time.Duration // how long the server may go on hearing the client: until that misses its pongs
}

var partitions = []partition{
	{"nothing passes", func(w *strait) { w.close(true, true, true) }, 0},
	{"nothing reaches the server", func(w *strait) { w.close(true, false, false) }, 0},
	{"nothing reaches the client", func(w *strait) { w.close(false, true, false) }, 15 * second},
	{"a black hole, which connects", func(w *strait) { w.close(true, true, false) }, 0},
}

// A holder that is cut off has stopped believing in its lock when the next has
// it, whichever way is shut and wherever its keepalives stand. What it had sent and
// arrives late harms nobody, and it goes on when it is heard again.
func TestHolderThatIsCutOffIsSucceededInTime(t *testing.T) {
	for _, p := range partitions {
		for kind, opts := range map[string]client.Options{
			"by presence":           {},
			"by a long presence":    {SessionTTL: 30 * second, Grace: 30 * second},
			"by presence and a TTL": {SessionTTL: 20 * second, Grace: 20 * second, TTL: 5 * second},
		} {
			t.Run(p.name+", "+kind, func(t *testing.T) {
				inBubble(t, func(t *testing.T, s *clienttest.Server) {
					for _, after := range []time.Duration{0, 9900 * time.Millisecond} {
						cutOff(t, s, &opts, p, after)
					}
				})
			})
		}
	}
}

// cutOff cuts a holder off some time after it was granted its lock.
func cutOff(t *testing.T, s *clienttest.Server, opts *client.Options, p partition, after time.Duration) {
	nc, way := through(s, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	defer way.end()
	c := must[*client.Client](t)(client.New(nc, opts))
	held := acquire(t, c, "a")
	longest := max(opts.TTL, opts.SessionTTL)
	if longest == 0 {
		longest = 10 * second
	}
	time.Sleep(after)
	ok(t, held.Err())

	p.shut(way)
	cut := time.Now()
	lost := make(chan time.Time)
	go func() {
		<-held.Context().Done()
		lost <- time.Now()
	}()
	others := s.Client(nil)
	granted := make(chan time.Time)
	var next *client.Lock
	go func() {
		l, err := others.Acquire(t.Context(), "a", client.Wait(time.Minute))
		if err != nil {
			t.Errorf("cut off after %s with the hold %d: %v; the lock: %+v", after, held.Token(), err, state(t, others, "a"))
		}
		next = l
		granted <- time.Now()
	}()
	ended, begun := <-lost, <-granted
	if next == nil {
		t.FailNow()
	}
	if begun.Before(ended) {
		t.Errorf("cut off after %s: the next had it %s before the holder knew", after, ended.Sub(begun))
	}
	if took := begun.Sub(cut); took > longest+second+p.heard {
		t.Errorf("cut off after %s: the next had it after %s", after, took)
	}
	if next.Token() <= held.Token() {
		t.Errorf("token %d after %d", next.Token(), held.Token())
	}
	wantErr(t, held.Err(), client.ErrLost)

	time.Sleep(30 * second) // let the server find out, too
	way.open()
	wantErr(t, held.Release(t.Context()), client.ErrLost, client.ErrNotHeld)
	again := make(chan error)
	go func() {
		l, err := c.Acquire(t.Context(), "a", client.Wait(time.Minute))
		if err == nil {
			time.Sleep(40 * second) // as long as it takes to be lost, if it is not kept
			err = l.Release(t.Context())
		}
		again <- err
	}()
	time.Sleep(30 * second)
	ok(t, next.Release(t.Context()))
	ok(t, <-again)
	ok(t, c.Close())
	nc.Close()
}
