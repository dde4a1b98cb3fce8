package service_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// muteStore stores the next write, and does not hear of it for as long as a bucket waits.
type muteStore struct {
	bus.Store
	mute *atomic.Bool
}

func (s *muteStore) Commit(writes []bus.Write, done func(uint64, error)) {
	if !s.mute.CompareAndSwap(true, false) {
		s.Store.Commit(writes, done)
		return
	}
	s.Store.Commit(writes, func(uint64, error) {
		time.AfterFunc(2*time.Second, func() { done(0, bus.ErrUnknown) })
	})
}

// An acquire that is sent once is decided once, also if the write by which it began to
// wait was in doubt until it had been granted and released by way of another worker.
func TestAWaitInDoubtIsNotDecidedOnceMoreAfterItsRelease(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		var mute atomic.Bool
		for range 2 {
			b.start(&muteStore{b.store, &mute}, nil)
		}
		c, err := client.New(b.dial(), &client.Options{Realm: realm})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		for i := range 10 {
			name := fmt.Sprint("a", i)
			token := b.lock(&schema.Acquire{Name: name, Client: "x"})
			mute.Store(true)
			released := make(chan error, 1)
			go func() {
				l, err := c.Acquire(b.t.Context(), name)
				if err == nil {
					err = l.Release(b.t.Context())
				}
				released <- err
			}()
			b.settle()
			for range 5 { // one of them reaches the other worker
				b.send(&schema.Release{Name: name, Token: token})
			}
			if err := <-released; err != nil {
				t.Error(err)
			}
			b.pass(10 * time.Second)
			b.wantHolders(name)
		}
	})
}

// Nor is one of several names, each of which is released and forgotten by itself.
func TestAWaitForSeveralInDoubtIsNotDecidedOnceMoreAfterItsRelease(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		var mute atomic.Bool
		for range 2 {
			b.start(&muteStore{b.store, &mute}, nil)
		}
		for i := range 10 {
			one, other := fmt.Sprint("a", i), fmt.Sprint("b", i)
			token := b.lock(&schema.Acquire{Name: one, Client: "x"})
			mute.Store(true)
			waiting := b.send(&schema.Acquire{Names: []string{one, other}, Client: "y", Request: "r", Wait: 60_000})
			b.settle()
			for range 5 {
				b.send(&schema.Release{Name: one, Token: token})
			}
			for _, l := range waiting.want(schema.StatusGranted).Locks {
				for range 5 {
					b.send(&schema.Release{Name: l.Name, Client: "y", Token: l.Token, Forget: "r"})
				}
			}
			b.pass(10 * time.Second)
			b.wantHolders(one)
			b.wantHolders(other)
		}
	})
}
