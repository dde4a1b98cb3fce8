package ldlm

import (
	"sync"

	"github.com/natslock/natslock/schema"
)

// maxTokens is how many grants are known, for their Unlock.
const maxTokens = 1 << 14

// tokens knows what was granted here of locks that one may hold: its Unlock need not
// ask who holds it. Others are found by asking. The zero tokens is usable.
type tokens struct {
	mu sync.Mutex
	of map[grantID]*schema.Release
}

type grantID struct{ name, key string }

// add takes note of a grant.
func (ts *tokens) add(key string, m *schema.Acquire, token uint64) {
	if m.Size != 1 {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.of == nil {
		ts.of = map[grantID]*schema.Release{}
	}
	for id := range ts.of { // any
		if len(ts.of) < maxTokens {
			break
		}
		delete(ts.of, id)
	}
	ts.of[grantID{m.Name, key}] = &schema.Release{Name: m.Name, Client: m.Client, Token: token}
}

// take returns the release of a grant that is known, once. Nil is none.
func (ts *tokens) take(name, key string) *schema.Release {
	ts.mu.Lock()
	defer ts.mu.Unlock()
	id := grantID{name, key}
	m := ts.of[id]
	delete(ts.of, id)
	return m
}
