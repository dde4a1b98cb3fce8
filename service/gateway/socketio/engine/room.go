package engine

import "time"

// TrySend is Send, but if too much waits for the client it sends nothing, and returns
// what is closed when it may be tried again. And if write is set, nobody else writes to
// the client just now, and the caller must call Write.
func (s *Session) TrySend(messages ...Message) (later <-chan struct{}, write bool, err error) {
	packets, err := packetsOf(messages)
	if err != nil {
		return nil, false, err
	}
	write = s.act(func(now time.Time) {
		if s.core.phase != alive || s.core.out.room(size(packets)) {
			err = s.core.send(now, packets)
			return
		}
		if s.written == nil {
			s.written = make(chan struct{})
		}
		later = s.written
	})
	return later, write, err
}

// Write writes what TrySend has queued, and may take as long as a write may take. What
// has come meanwhile is written by another.
func (s *Session) Write() {
	defer s.server.running.Done()
	if !s.put(s.batch()) {
		return
	}
	if packets, last := s.batch(); len(packets) > 0 || last {
		s.server.running.Go(func() {
			if s.put(packets, last) {
				s.write()
			}
		})
	}
}

// roomier wakes those who wait until there is room. s.mu is held.
func (s *Session) roomier() {
	if s.written != nil {
		close(s.written)
		s.written = nil
	}
}
