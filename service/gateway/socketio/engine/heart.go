package engine

import "time"

// beat is what a heart asks for.
type beat int

const (
	beatNone beat = iota
	beatPing      // a ping is to be sent
	beatDead      // the client has not answered
)

// heart knows when a ping is due, or else by when it must be answered. Both are
// moments that do not move when a timer is late.
type heart struct {
	interval, timeout time.Duration
	pingAt, pongBy    time.Time // one of them is set
}

func newHeart(interval, timeout time.Duration, now time.Time) heart {
	return heart{interval: interval, timeout: timeout, pingAt: now.Add(interval)}
}

// tick says what is due.
func (h *heart) tick(now time.Time) beat {
	due := beatNone
	if !h.pingAt.IsZero() && !now.Before(h.pingAt) {
		h.pingAt, h.pongBy = time.Time{}, h.pingAt.Add(h.timeout)
		due = beatPing
	}
	if !h.pongBy.IsZero() && !now.Before(h.pongBy) {
		due = beatDead
	}
	return due
}

// pong is the answer. One that was not asked for changes nothing.
func (h *heart) pong(now time.Time) {
	if !h.pongBy.IsZero() {
		h.pingAt, h.pongBy = now.Add(h.interval), time.Time{}
	}
}

// next is when to tick again.
func (h *heart) next() time.Time {
	if h.pingAt.IsZero() {
		return h.pongBy
	}
	return h.pingAt
}
