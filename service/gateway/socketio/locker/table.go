package locker

import (
	"context"
	"encoding/json"

	"github.com/natslock/natslock/schema"
)

// pageSize is how many locks are asked for at once.
const pageSize = 1000

// lockTable tells all locks of a realm.
func (c *caller) lockTable(ctx context.Context, args []json.RawMessage) said {
	realm, err := realmOf(args, c.realm)
	if err != nil {
		return failed(argument(args), err)
	}
	var locks object
	err = c.each(ctx, realm, func(r record, _ uint64) { locks = append(locks, member{r.id, r.text()}) })
	switch {
	case err != nil:
		return failed(json.RawMessage("{}"), err)
	case len(locks) == 0:
		return object{}
	}
	return object{{realm, locks.text()}}
}

// each goes over the locks of a realm, page by page.
func (c *caller) each(ctx context.Context, realm string, do func(held record, token uint64)) error {
	limit := int64(pageSize)
	for m := (schema.List{Limit: &limit}); ; {
		reply, err := c.ok(ctx, realm, schema.VerbList, &m)
		if err != nil {
			return err
		}
		for i := range reply.Locks {
			if l := &reply.Locks[i]; len(l.Holders) > 0 {
				do(recordOf(realm, l.Name, &l.Holders[0]), l.Holders[0].Token)
			}
		}
		if m.Cursor = reply.Cursor; m.Cursor == "" {
			return nil
		}
	}
}
