package bustest

import (
	"context"
	"fmt"

	"github.com/natslock/natslock/bus"
)

// Scan implements bus.Store.
func (m *Memory) Scan(ctx context.Context, seen func(bus.Entry) error) error {
	m.mu.Lock()
	entries, down := m.entries(), m.down
	m.mu.Unlock()
	for _, e := range entries {
		if ctx.Err() != nil || down {
			break
		}
		if err := seen(clone(e)); err != nil {
			return err
		}
	}
	if ctx.Err() != nil || down {
		return fmt.Errorf("scan: %w: it is down, or no time is left", bus.ErrUnavailable)
	}
	return nil
}

// Extent implements bus.Store.
func (m *Memory) Extent(ctx context.Context) (bus.Extent, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down || ctx.Err() != nil {
		return bus.Extent{}, fmt.Errorf("%w: it is down", bus.ErrUnavailable)
	}
	e := bus.Extent{Keys: uint64(len(m.records)), First: m.revision + 1, Bytes: m.bytes(), Limit: m.limit}
	for _, r := range m.records {
		e.First = min(e.First, r.entry.Revision)
	}
	return e, nil
}

// Purge implements bus.Store.
func (m *Memory) Purge(ctx context.Context, below uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.down || ctx.Err() != nil:
		return fmt.Errorf("purge: %w: it is down", bus.ErrUnavailable)
	case m.noPurge != nil:
		return m.noPurge
	}
	for key, r := range m.records {
		if r.entry.Revision < below {
			delete(m.records, key)
		}
	}
	return nil
}

// RefusePurge makes each later Purge fail; nil lets them be.
func (m *Memory) RefusePurge(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noPurge = err
}

// Rebuild does what a nats-server may do that was killed, and reads its files
// again: a key that was dropped, by a TTL or a purge, is there again as it was
// before its last write. Watches do not see it. It tells for how many keys that is so.
func (m *Memory) Rebuild() (back int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key, old := range m.replaced {
		if _, ok := m.records[key]; !ok {
			m.records[key] = record{entry: old}
			back++
		}
	}
	return back
}
