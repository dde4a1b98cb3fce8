package locker

import (
	"context"

	"github.com/natslock/natslock/schema"
)

// maxHolds is how many locks of a socket are remembered as its own.
const maxHolds = 256

// holds are locks that a socket has taken and not left, as far as that is remembered. When
// an unlock has to be asked for again and finds nothing, they tell that the first time
// may have ended it. The zero holds is usable.
type holds map[string]hold // by the lock's name

// hold is what is known of one.
type hold struct {
	tried bool   // an unlock was sent, and nobody knows what came of it
	sole  string // the request by which it was granted, if nobody sends it again
}

// note remembers a lock.
func (hs *holds) note(id string, h hold) {
	if *hs == nil {
		*hs = holds{}
	}
	if _, there := (*hs)[id]; !there && len(*hs) >= maxHolds {
		for other := range *hs {
			delete(*hs, other) // any
			break
		}
	}
	(*hs)[id] = h
}

// release asks for the end of the socket's part in a lock. What a copy of the same
// request has ended is released.
func (c *caller) release(ctx context.Context, m *schema.Release) (*schema.Reply, error) {
	h, own := c.holds[m.Name]
	ask := c.call
	if own {
		ask, m.Forget = c.once, h.sole
	}
	reply, err := ask(ctx, c.realm, schema.VerbRelease, m)
	if err != nil {
		if own {
			c.holds.note(m.Name, hold{tried: true, sole: h.sole})
		}
		return nil, err
	}
	if h.tried && reply.Status == schema.StatusNotHeld {
		reply.Status = schema.StatusReleased
	}
	if reply.Status.OK() || reply.Status == schema.StatusNotHeld {
		delete(c.holds, m.Name)
	}
	return reply, nil
}
