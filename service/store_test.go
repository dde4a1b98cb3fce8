package service_test

import (
	"context"
	"sync/atomic"

	"github.com/natslock/natslock/bus"
)

// blindStore shows its watches nothing until it is opened.
type blindStore struct {
	bus.Store
	open chan struct{}
}

func (s *blindStore) Watch(ctx context.Context, seen func(bus.Entry), ready func()) error {
	ready()
	select {
	case <-s.open:
	case <-ctx.Done():
		return nil
	}
	return s.Store.Watch(ctx, seen, func() {})
}

// echoStore's watches show each entry twice, and now and then all that came
// before once more, as after a broken connection.
type echoStore struct{ bus.Store }

func (s *echoStore) Watch(ctx context.Context, seen func(bus.Entry), ready func()) error {
	var before []bus.Entry
	return s.Store.Watch(ctx, func(e bus.Entry) {
		seen(e)
		seen(e)
		before = append(before, e)
		if len(before)%5 == 0 {
			for _, e := range before {
				seen(e)
			}
		}
	}, ready)
}

// awayStore can be made not to answer loads.
type awayStore struct {
	bus.Store
	away atomic.Bool
}

func (s *awayStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	if s.away.Load() {
		return bus.Entry{}, bus.ErrUnavailable
	}
	return s.Store.Load(ctx, key)
}

// awayWrites commits so many writes more, and then none any more.
type awayWrites struct {
	bus.Store
	left atomic.Int64
}

func (s *awayWrites) Commit(writes []bus.Write, done func(uint64, error)) {
	if s.left.Add(-1) < 0 {
		go done(0, bus.ErrUnavailable)
		return
	}
	s.Store.Commit(writes, done)
}

// trickStore has something done to it just before a key is read, and may not
// answer then.
type trickStore struct {
	bus.Store
	key   string
	trick func() error
}

func (s *trickStore) Load(ctx context.Context, key string) (bus.Entry, error) {
	if key == s.key {
		if err := s.trick(); err != nil {
			return bus.Entry{}, err
		}
	}
	return s.Store.Load(ctx, key)
}
