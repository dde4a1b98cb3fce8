package service_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/service"
)

// flakyStore is how one worker sees the store: it does not hear of some writes, for as long
// as a bucket waits, whether they are stored at once, later or never.
type flakyStore struct {
	bus.Store
	mu sync.Mutex
	r  *rand.Rand
}

func (s *flakyStore) Commit(writes []bus.Write, done func(uint64, error)) {
	s.mu.Lock()
	kind, unheard := s.r.IntN(20), time.Duration(s.r.IntN(2500))*time.Millisecond
	s.mu.Unlock()
	unknown := func() { done(0, bus.ErrUnknown) }
	switch kind {
	case 0, 1:
		s.Store.Commit(writes, func(uint64, error) { time.AfterFunc(unheard, unknown) })
	case 2:
		time.AfterFunc(unheard, unknown)
	case 3:
		writes = cloned(writes)
		time.AfterFunc(unheard/8, func() { s.Store.Commit(writes, func(uint64, error) {}) })
		time.AfterFunc(unheard/16, unknown)
	case 4:
		time.AfterFunc(unheard/100, func() { done(0, bus.ErrUnavailable) })
	default:
		s.Store.Commit(writes, done)
	}
}

func cloned(writes []bus.Write) []bus.Write {
	own := make([]bus.Write, len(writes))
	for i, w := range writes {
		own[i] = w
		own[i].Value = append([]byte(nil), w.Value...)
	}
	return own
}

// leaver is a Client's user who holds for moments, gives up, and loses its connection.
type leaver struct {
	*client.Client
	nc *nats.Conn
	r  *rand.Rand
}

// take takes a lock, which no TTL ends here, or gives it up.
func (l *leaver) take(ctx context.Context) error {
	patient, cancel := context.WithTimeout(ctx, time.Duration(1000+l.r.IntN(6000))*time.Millisecond)
	defer cancel()
	ask := l.Acquire
	if l.r.IntN(3) == 0 {
		ask = l.TryAcquire
	}
	held, failure := ask(patient, patientNames[l.r.IntN(3)], client.TTL(time.Hour))
	if l.r.IntN(15) == 0 {
		if err := l.nc.ForceReconnect(); err != nil {
			return err
		}
	}
	if failure != nil {
		return nil // it is for the end to show that nothing is left of it
	}
	time.Sleep(time.Duration(l.r.IntN(30)) * time.Millisecond)
	err := held.Release(ctx)
	if errors.Is(err, client.ErrLost) || errors.Is(err, client.ErrUnavailable) {
		return nil // as a release that was overtaken, or goes on
	}
	return err
}

// Whatever becomes of writes and connections, and whatever the lock was told to forget,
// nothing is held and nobody waits for clients who have released all and given up the rest.
func TestNothingIsLeftToNobody(t *testing.T) {
	begin, first := time.Now(), *seed
	for s := first; s < first+4 || time.Since(begin) < *long; s++ {
		inBubbleOf(t, 0, func(b *bubble) { b.takeAndLeave(s) })
		if t.Failed() {
			t.Fatalf("-seed %d", s)
		}
	}
}

func (b *bubble) takeAndLeave(s uint64) {
	local := new(bus.Local)
	for i, cfg := range []*service.Config{{Local: local}, nil, nil} {
		b.start(&flakyStore{Store: b.store, r: rand.New(rand.NewPCG(s, uint64(i)))}, cfg)
	}
	b.store.SetLag(time.Duration(s%3) * 5 * time.Millisecond)
	var leavers sync.WaitGroup
	for i := range 8 {
		nc := b.dial()
		c, err := client.New(nc, &client.Options{Realm: realm, Local: []*bus.Local{local, nil}[i%2]})
		if err != nil {
			b.t.Fatal(err)
		}
		defer func() { _ = c.Close() }() // there is nothing left to give back
		l := leaver{c, nc, rand.New(rand.NewPCG(s, uint64(i+100)))}
		leavers.Go(func() {
			for range 15 {
				if err := l.take(b.t.Context()); err != nil {
					b.t.Error(err)
				}
			}
		})
	}
	leavers.Wait()
	b.pass(40 * time.Second)
	for _, name := range patientNames[:3] {
		state := b.state(name)
		if fmt.Sprint(state.Holders, state.Waiters) != "[] []" {
			b.t.Errorf("%s: held by %+v, waited for by %+v", name, state.Holders, state.Waiters)
		}
	}
}
