package client

import (
	"context"
	"time"
)

// party is an owner that its user has named, at a lock: another acquire may mean
// the same hold. A release or cancel of the party may end that hold at any time
// until it is acknowledged, so an acquire of the party does not begin meanwhile,
// and a grant is not believed if one of them was on its way beside it.
type party struct{ name, owner string }

// standing is what a Client does about a party just now.
type standing struct {
	acquiring int    // acquires
	ending    int    // releases and cancels that are not acknowledged
	ended     uint64 // those that are, since it is kept
}

// parties are the owner at each of some locks; none if nobody has named it.
func parties(names []string, owner string) []party {
	if owner == "" {
		return nil
	}
	all := make([]party, len(names))
	for i, name := range names {
		all[i] = party{name, owner}
	}
	return all
}

// partiesOf are those that hold some locks.
func partiesOf(locks []*Lock) (all []party) {
	for _, l := range locks {
		if l.named {
			all = append(all, party{l.name, l.owner})
		}
	}
	return all
}

// standLocked changes what is done about the parties.
func (c *Client) standLocked(all []party, change func(*standing)) {
	for _, p := range all {
		s := c.standings[p]
		if s == nil {
			s = new(standing)
			c.standings[p] = s
		}
		change(s)
		if s.acquiring == 0 && s.ending == 0 {
			delete(c.standings, p)
		}
	}
}

// unsettleLocked begins a release or cancel of the parties.
func (c *Client) unsettleLocked(all []party) {
	c.standLocked(all, func(s *standing) { s.ending++ })
}

// settleLocked ends one.
func (c *Client) settleLocked(all []party) {
	if len(all) == 0 {
		return
	}
	c.standLocked(all, func(s *standing) {
		s.ending--
		s.ended++
	})
	close(c.settled)
	c.settled = make(chan struct{})
}

// endedLocked is how many releases and cancels of the parties have ended; sure
// is false while there are others on their way.
func (c *Client) endedLocked(all []party) (ended uint64, sure bool) {
	sure = true
	for _, p := range all {
		if s := c.standings[p]; s != nil {
			ended += s.ended
			sure = sure && s.ending == 0
		}
	}
	return ended, sure
}

// holdsLocked tells whether one of the parties holds its lock here.
func (c *Client) holdsLocked(all []party) bool {
	for _, p := range all {
		for l := c.locks[p.name]; l != nil; l = l.next {
			if l.owner == p.owner {
				return true
			}
		}
	}
	return false
}

// attend has the Client keep the standings of the acquisition's parties until
// the function that it returns is called.
func (q *acquisition) attend() (done func()) {
	add := func(n int) {
		q.c.mu.Lock()
		defer q.c.mu.Unlock()
		q.c.standLocked(q.parties, func(s *standing) { s.acquiring += n })
	}
	if q.parties == nil {
		return func() {}
	}
	add(1)
	return func() { add(-1) }
}

// settle waits until no release or cancel of the acquisition's parties is on its
// way. It is given up like a request.
func (q *acquisition) settle(ctx context.Context, r *request) error {
	if q.parties == nil {
		return nil
	}
	c := q.c
	timer := time.NewTimer(max(0, r.until-c.now()))
	defer timer.Stop()
	for {
		c.mu.Lock()
		ended, sure := c.endedLocked(q.parties)
		settled := c.settled
		c.mu.Unlock()
		if sure {
			q.ended = ended
			return nil
		}
		select {
		case <-settled:
		case <-timer.C:
			return givenUp(ctx, r, nil)
		case <-ctx.Done():
			return givenUp(ctx, r, nil)
		case <-c.open.Done():
			return ErrClosed
		}
	}
}
