package bustest

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/natslock/natslock/bus"
)

// MaxValue is the longest value that Memory stores, in bytes.
const MaxValue = 1<<20 - 512

// Memory is a bus.Store in memory. It can be made to fail, and it runs inside
// a synctest bubble: its goroutines exist only while there is something to do.
type Memory struct {
	mu       sync.Mutex
	records  map[string]record
	replaced map[string]bus.Entry // what a key was before its last write
	revision uint64
	down     bool
	lag      time.Duration
	limit    uint64 // of its bytes; 0 is none
	noPurge  error
	fail     func([]bus.Write) Fault
	watches  map[*watch]struct{}
	told     []func() // calls of done that are due
	telling  bool
	running  sync.WaitGroup
	closed   bool
}

type record struct {
	entry   bus.Entry
	expires time.Time // zero is never
}

// NewMemory makes an empty store.
func NewMemory() *Memory {
	return &Memory{records: map[string]record{}, replaced: map[string]bus.Entry{}, watches: map[*watch]struct{}{}}
}

// Close waits for the outcomes that are due, also late ones, and ends all watches.
func (m *Memory) Close() {
	m.mu.Lock()
	m.closed = true
	for w := range m.watches {
		w.nudge()
	}
	m.mu.Unlock()
	m.running.Wait()
}

// Load implements bus.Store.
func (m *Memory) Load(ctx context.Context, key string) (bus.Entry, error) {
	if err := ctx.Err(); err != nil {
		return bus.Entry{}, fmt.Errorf("load %.80q: %w: %w", key, bus.ErrUnavailable, err)
	}
	if !bus.ValidKey(key) {
		return bus.Entry{}, fmt.Errorf("load %.80q: %w", key, bus.ErrInvalidKey)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.down {
		return bus.Entry{}, fmt.Errorf("load %.80q: %w: it is down", key, bus.ErrUnavailable)
	}
	r, ok := m.records[key]
	if !ok {
		return bus.Entry{Key: key}, nil
	}
	return clone(r.entry), nil
}

// Commit implements bus.Store.
func (m *Memory) Commit(writes []bus.Write, done func(revision uint64, err error)) {
	writes = slices.Clone(writes)
	for i := range writes {
		writes[i].Value = bytes.Clone(writes[i].Value)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := acceptable(writes); err != nil {
		m.tell(done, 0, err)
		return
	}
	var fault Fault
	if m.fail != nil {
		fault = m.fail(writes)
	}
	m.after(fault.Delay, func() { m.decide(writes, fault, done) })
}

func acceptable(writes []bus.Write) error {
	if len(writes) == 0 {
		return fmt.Errorf("%w: no writes", bus.ErrInvalidKey)
	}
	for _, w := range writes {
		if !bus.ValidKey(w.Key) {
			return fmt.Errorf("%w: %.80q", bus.ErrInvalidKey, w.Key)
		}
		if len(w.Value) > MaxValue {
			return fmt.Errorf("%w: %d bytes, %d is most", bus.ErrTooLarge, len(w.Value), MaxValue)
		}
	}
	return nil
}

// after runs fn, which is called with the mutex held, after a delay.
func (m *Memory) after(delay time.Duration, fn func()) {
	if delay <= 0 {
		fn()
		return
	}
	m.running.Add(1)
	time.AfterFunc(delay, func() {
		defer m.running.Done()
		m.mu.Lock()
		defer m.mu.Unlock()
		fn()
	})
}

// decide stores the writes or not, and tells what the fault says.
func (m *Memory) decide(writes []bus.Write, fault Fault, done func(uint64, error)) {
	switch {
	case m.down || fault.Kind == Unavailable:
		m.tell(done, 0, fmt.Errorf("%w: it is down", bus.ErrUnavailable))
	case fault.Kind == Full:
		m.tell(done, 0, fmt.Errorf("%w: %w", bus.ErrUnavailable, bus.ErrFull))
	case fault.Kind == Conflict:
		m.tell(done, 0, bus.ErrConflict)
	case fault.Kind == Lost:
		m.tell(done, 0, fmt.Errorf("%w: the write was lost", bus.ErrUnknown))
	case fault.Kind == LostAck:
		// A conflict's answer is lost as well.
		_, _ = m.store(writes)
		m.tell(done, 0, fmt.Errorf("%w: the acknowledgement was lost", bus.ErrUnknown))
	case fault.Kind == Late:
		m.tell(done, 0, fmt.Errorf("%w: the write is late", bus.ErrUnknown))
		m.after(max(fault.Late, 1), func() { _, _ = m.store(writes) })
	default:
		revision, err := m.store(writes)
		m.tell(done, revision, err)
	}
}

// store stores all writes, or none.
func (m *Memory) store(writes []bus.Write) (revision uint64, err error) {
	keys := make(map[string]bool, len(writes))
	for _, w := range writes {
		if m.records[w.Key].entry.Revision != w.Expected || keys[w.Key] {
			return 0, bus.ErrConflict
		}
		keys[w.Key] = true
	}
	if m.limit > 0 && m.bytes() > m.limit {
		return 0, fmt.Errorf("%w: %w", bus.ErrUnavailable, bus.ErrFull)
	}
	for _, w := range writes {
		m.revision++
		r := record{entry: bus.Entry{Key: w.Key, Value: w.Value, Revision: m.revision}}
		if w.TTL > 0 {
			r.expires = time.Now().Add(max(w.TTL, time.Second))
		}
		if old := m.records[w.Key].entry; old.Revision > 0 {
			m.replaced[w.Key] = old
		}
		m.records[w.Key] = r
		for w := range m.watches {
			w.push(r.entry, m.lag)
		}
	}
	return m.revision, nil
}

// tell lets another goroutine call done, after all calls that are due already.
func (m *Memory) tell(done func(uint64, error), revision uint64, err error) {
	m.told = append(m.told, func() { done(revision, err) })
	if !m.telling {
		m.telling = true
		m.running.Go(m.tellAll)
	}
}

func (m *Memory) tellAll() {
	for {
		m.mu.Lock()
		calls := m.told
		m.told = nil
		m.telling = len(calls) > 0
		m.mu.Unlock()
		if len(calls) == 0 {
			return
		}
		for _, call := range calls {
			call()
		}
	}
}

// entries are all that are there, in order of revision.
func (m *Memory) entries() []bus.Entry {
	list := make([]bus.Entry, 0, len(m.records))
	for _, r := range m.records {
		list = append(list, r.entry)
	}
	slices.SortFunc(list, func(a, b bus.Entry) int { return cmp.Compare(a.Revision, b.Revision) })
	return list
}

func clone(e bus.Entry) bus.Entry {
	e.Value = bytes.Clone(e.Value)
	return e
}
