package ldlm

import (
	"sync"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// maxTokens is how many grants are known, for their Unlock.
const maxTokens = 1 << 14

// tokens knows what was granted here. Of locks that one may hold it knows the token, too:
// their Unlock need not ask who holds them. Others are found by asking. The zero tokens
// is usable.
type tokens struct {
	mu sync.Mutex
	of map[grantID]grant
}

type grantID struct{ name, key string }

// grant is one that is known.
type grant struct {
	release *schema.Release // that ends it; nil: it is to be asked for
	tried   bool            // was sent, and may have ended it
	leaf    *client.Leaf    // the hold ends with that; nil: it is not known to
}

// lost tells whether the hold may have been lost with its session, which nobody is to
// take for an Unlock: others may have had the lock since.
func (g grant) lost() bool { return g.leaf != nil && g.leaf.Context().Err() != nil }

// lives tells whether the hold is known not to have been lost with its session.
func (g grant) lives() bool { return g.leaf != nil && g.leaf.Context().Err() == nil }

// add takes note of a grant, which ends with a leaf if that is not nil. sole is its
// request, if nobody sends that again.
func (ts *tokens) add(key string, m *schema.Acquire, token uint64, sole string, leaf *client.Leaf) {
	g := grant{leaf: leaf}
	if m.Size == 1 {
		g.release = &schema.Release{Name: m.Name, Client: m.Client, Token: token, Forget: sole}
	}
	if g != (grant{}) {
		ts.keep(m.Name, key, g)
	}
}

// keep takes note of a grant for the next Unlock of a lock by a key.
func (ts *tokens) keep(name, key string, g grant) {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.of == nil {
		ts.of = map[grantID]grant{}
	}
	for id := range ts.of { // any
		if len(ts.of) < maxTokens {
			break
		}
		delete(ts.of, id)
	}
	ts.of[grantID{name, key}] = g
}

// take returns what is known of a grant, once.
func (ts *tokens) take(name, key string) grant {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	id := grantID{name, key}
	g := ts.of[id]
	delete(ts.of, id)
	return g
}
