package service_test

import (
	"context"

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
