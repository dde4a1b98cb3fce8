package engine

import "time"

// TrySend is Send, but if too much waits for the client it sends nothing, and returns
// what is closed when it may be tried again.
func (s *Session) TrySend(messages ...Message) (later <-chan struct{}, err error) {
	packets, err := packetsOf(messages)
	if err != nil {
		return nil, err
	}
	s.step(func(now time.Time) {
		if s.core.phase != alive || s.core.out.room(size(packets)) {
			err = s.core.send(now, packets)
			return
		}
		if s.written == nil {
			s.written = make(chan struct{})
		}
		later = s.written
	})
	return later, err
}

// roomier wakes those who wait until there is room. s.mu is held.
func (s *Session) roomier() {
	if s.written != nil {
		close(s.written)
		s.written = nil
	}
}
