package service_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// cutStore loses what is written while it is cut off, and reads nothing.
type cutStore struct {
	bus.Store
	cut atomic.Bool
}

func (s *cutStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	if s.cut.Load() {
		return bus.Entry{}, bus.ErrUnavailable
	}
	return s.Store.Load(ctx, key)
}

func (s *cutStore) Commit(writes []bus.Write, done func(uint64, error)) {
	if s.cut.Load() {
		time.AfterFunc(time.Second, func() { done(0, bus.ErrUnknown) })
		return
	}
	s.Store.Commit(writes, done)
}

// A write whose outcome is unknown for so long that the lock has been used, released and
// dropped meanwhile finds, when it is sent again, just the record that it was decided on,
// if that has come back. It is not written upon.
func TestAWriteInDoubtDoesNotReviveWhatCameBack(t *testing.T) {
	collecting(t, 0, func(b *bubble) {
		store := &cutStore{Store: b.store}
		b.tune = func(w *service.Worker) { w.CollectFrom(1 << 60) }
		b.start(store, nil)
		b.use(20)
		token := b.lock(&schema.Acquire{Name: "a", Client: "x", TTL: day()})
		store.cut.Store(true)
		b.want(schema.StatusUnavailable, &schema.Renew{Name: "a", Token: token})
		b.tune = func(w *service.Worker) { w.CollectFrom(5) }
		b.start(b.store, nil)
		for { // until the other worker hears of it
			if r := b.ask(&schema.Release{Name: "a", Token: token}); r.Status == schema.StatusReleased {
				break
			}
		}
		b.pass(collection)
		if n := b.store.Keys(); n != 1 {
			t.Fatalf("%d records", n)
		}
		if b.store.Rebuild() == 0 {
			t.Fatal("nothing came back")
		}
		store.cut.Store(false)
		b.pass(time.Minute)
		b.wantHolders("a")
		if got := b.lock(&schema.Acquire{Name: "a", Client: "z"}); got <= token {
			t.Errorf("the token %d is not larger than %d", got, token)
		}
	})
}
