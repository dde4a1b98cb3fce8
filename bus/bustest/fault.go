package bustest

import (
	"time"

	"github.com/natslock/natslock/bus"
)

// Kind says how a commit fails.
type Kind int

// The kinds of faults.
const (
	None        Kind = iota // it does not fail
	Conflict                // nothing is stored, ErrConflict is told
	Unavailable             // nothing is stored, ErrUnavailable is told
	Full                    // nothing is stored, ErrUnavailable and ErrFull are told
	Lost                    // nothing is stored, ErrUnknown is told
	LostAck                 // it is stored if its revisions fit, ErrUnknown is told
	Late                    // ErrUnknown is told, and it is stored afterwards if its revisions fit then
)

// Fault is what happens to one commit.
type Fault struct {
	Kind  Kind
	Delay time.Duration // until it is decided and told
	Late  time.Duration // for the kind Late: from then until it is stored; at least 1 ns
}

// Fail lets decide choose what happens to each later commit. It is called in
// order of the commits, with the store locked: it must not call the store. nil
// lets nothing fail any more.
func (m *Memory) Fail(decide func(writes []bus.Write) Fault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = decide
}

// SetDown makes everything but watching unavailable, or available again.
func (m *Memory) SetDown(down bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.down = down
}

// SetLimit lets nothing be stored any more, nor anything be replaced by something
// smaller, while there is more than so many bytes; 0 is no limit.
func (m *Memory) SetLimit(bytes uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.limit = bytes
}

// entryBytes is what a key takes beside itself and its value, as in JetStream.
const entryBytes = 192

// Bytes is what the keys and their values take.
func (m *Memory) Bytes() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bytes()
}

func (m *Memory) bytes() (n uint64) {
	for key, r := range m.records {
		n += uint64(entryBytes + len(key) + len(r.entry.Value))
	}
	return n
}

// SetLag makes watches see later writes only so long after they were stored.
func (m *Memory) SetLag(lag time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lag = lag
}

// Drop drops a key as its TTL would. Watches do not see it.
func (m *Memory) Drop(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, key)
}

// DropExpired drops each key whose TTL is over. Nothing else looks at TTLs.
func (m *Memory) DropExpired() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for key, r := range m.records {
		if !r.expires.IsZero() && !r.expires.After(now) {
			delete(m.records, key)
		}
	}
}

// Keys tells how many keys are there.
func (m *Memory) Keys() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.records)
}
