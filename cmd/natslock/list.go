package main

import (
	"context"
	"encoding/json"
	"io"

	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// listCmd is the command list.
type listCmd struct {
	Prefix string `placeholder:"TEXT" help:"Only locks whose names begin so."`
	Holder string `placeholder:"CLIENT" help:"Only locks that this client holds."`
	Limit  int64  `placeholder:"N" help:"At most N locks. Default: all."`

	caller `embed:""`
}

// Help has the examples.
func (*listCmd) Help() string {
	return `The locks are sorted by name, each with its holds and waiters. Each lock is consistent in itself; the list is no snapshot. The columns are those of inspect. With --json each line is one lock.

Examples:

    natslock list --prefix orders/
    natslock list --holder root@worker-7 --json | jq -r .name`
}

// Run lists the locks.
func (c *listCmd) Run(ctx context.Context, sys *system) error {
	if c.Limit < 0 {
		return usagef("list: --limit: must not be negative")
	}
	m := schema.List{Prefix: c.Prefix, Holder: c.Holder, Client: c.label()}
	if err := inFlags("list", &m); err != nil {
		return err
	}
	ctx, stop := interruptible(ctx)
	defer stop()
	s, err := c.dial(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	t := newLockTable(sys)
	for left, more := c.Limit, true; more; {
		page := int64(schema.MaxListLimit)
		if c.Limit > 0 {
			page = min(page, left)
		}
		m.Limit = &page
		reply, err := s.call(ctx, schema.VerbList, &m)
		if err != nil {
			return err
		}
		if err := c.page(sys, t, reply); err != nil {
			return err
		}
		left -= int64(len(reply.Locks))
		m.Cursor = reply.Cursor
		more = m.Cursor != "" && (c.Limit == 0 || left > 0)
	}
	return t.flush()
}

// page prints one reply, or adds it to the table.
func (c *listCmd) page(sys *system, t *lockTable, reply *schema.Reply) error {
	if c.JSON && statusOf(reply.Status) == 0 {
		return printLocks(sys.out, reply)
	}
	return c.answer(sys, "list", reply, func() error {
		for i := range reply.Locks {
			t.add(&reply.Locks[i])
		}
		return nil
	})
}

// printLocks prints each lock of a reply as the JSON object that it is there.
func printLocks(w io.Writer, reply *schema.Reply) error {
	var page struct {
		Locks []json.RawMessage `json:"locks"`
	}
	if err := json.Unmarshal(schema.Append(nil, schema.JSON, reply), &page); err != nil {
		return err
	}
	for _, l := range page.Locks {
		if _, err := w.Write(append(text.JSON(l), '\n')); err != nil {
			return err
		}
	}
	return nil
}
