package client

import (
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/natslock/natslock/schema"
)

// LockState is a lock as others see it: who holds it, and who waits.
type LockState = schema.LockState

// Holder is one hold as others see it.
type Holder = schema.Holder

// Waiter is one waiting attempt as others see it.
type Waiter = schema.Waiter

// Inspect returns the state of locks, in the order asked. A lock that nobody
// holds is there too, not held.
func (c *Client) Inspect(ctx context.Context, names ...string) ([]LockState, error) {
	states := make([]LockState, 0, len(names))
	for some := range slices.Chunk(names, schema.MaxInspect) {
		r, err := c.ok(ctx, schema.VerbInspect, &schema.Inspect{Names: some, Client: c.name})
		if err != nil {
			return nil, fmt.Errorf("inspect: %w", err)
		}
		states = append(states, r.Locks...)
	}
	return states, nil
}

// ListOptions say which locks are listed.
type ListOptions struct {
	Prefix  string // of the names. Default: all
	Holder  string // locks that this client holds. Default: anybody
	Session string // locks that this session holds. Default: any
}

// List returns the locks of the realm that are held, sorted by name. They are
// asked for in pages; each lock is consistent in itself, the whole is no
// snapshot. After an error, which comes with a zero LockState, there is no more.
func (c *Client) List(ctx context.Context, opts *ListOptions) iter.Seq2[LockState, error] {
	limit := int64(schema.MaxListLimit)
	m := schema.List{Client: c.name, Limit: &limit}
	if opts != nil {
		m.Prefix, m.Holder, m.Session = opts.Prefix, opts.Holder, opts.Session
	}
	return func(yield func(LockState, error) bool) {
		for page := m; ; {
			r, err := c.ok(ctx, schema.VerbList, &page)
			if err != nil {
				yield(LockState{}, fmt.Errorf("list: %w", err))
				return
			}
			for _, state := range r.Locks {
				if !yield(state, nil) {
					return
				}
			}
			if page.Cursor = r.Cursor; page.Cursor == "" {
				return
			}
		}
	}
}
