package client

import (
	"math/rand/v2"
	"time"
)

// instant is a time on the Client's own monotonic clock, which starts when the
// Client is made. No wall clock is ever asked.
type instant = time.Duration

const (
	never instant = 1<<63 - 1
	past  instant = -1 << 63
)

// margin is how much earlier than the service a holder stops believing in its
// hold: at most half a second for what it does not notice at once, and a
// two-thousandth for clocks that do not run at one rate.
func margin(ttl time.Duration) time.Duration {
	return min(ttl/10, 500*time.Millisecond) + ttl/2000
}

// trustedUntil is when a hold may end at the earliest if the request that
// granted or renewed it was sent at an instant, less the margin.
func trustedUntil(sent instant, ttl time.Duration) instant {
	return sent + ttl - margin(ttl)
}

// fresh is how long after that sending nothing needs to be renewed.
func fresh(ttl time.Duration) time.Duration { return ttl / 3 }

// renewal is when to renew: before it is no longer fresh, and not with all
// others at once.
func renewal(sent instant, ttl time.Duration) instant {
	third := fresh(ttl)
	return sent + third - rand.N(third/8+1)
}
