package ldlm

import (
	"sync"
	"time"
)

// A lock is remembered for a while after it was in use: an Unlock is then told that its
// key is wrong, and later that there is no such lock.
const (
	rememberFor = time.Minute
	maxNames    = 1 << 16
)

// memory knows which locks were in use lately. The zero memory is usable.
type memory struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// use remembers a lock that is in use until an instant, at the latest.
func (m *memory) use(name string, now, until time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if until = until.Add(rememberFor); until.After(m.until[name]) {
		m.noteLocked(name, now, until)
	}
}

// end remembers a lock that has just been released by its last holder.
func (m *memory) end(name string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.noteLocked(name, now, now.Add(rememberFor))
}

func (m *memory) noteLocked(name string, now, until time.Time) {
	if m.until == nil {
		m.until = map[string]time.Time{}
	}
	if _, there := m.until[name]; !there && len(m.until) >= maxNames {
		m.makeRoomLocked(now)
	}
	m.until[name] = until
}

// makeRoomLocked forgets what is over, or any half if that is not enough.
func (m *memory) makeRoomLocked(now time.Time) {
	for name, until := range m.until {
		if until.Before(now) {
			delete(m.until, name)
		}
	}
	for name := range m.until {
		if len(m.until) <= maxNames/2 {
			return
		}
		delete(m.until, name)
	}
}

// knows tells whether a lock is remembered.
func (m *memory) knows(name string, now time.Time) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	until, there := m.until[name]
	if there && until.Before(now) {
		delete(m.until, name)
		return false
	}
	return there
}
