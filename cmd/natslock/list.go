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
	m := schema.List{Prefix: c.Prefix, Holder: c.Holder, Client: c.label()}
	t := newLockTable(sys)
	if err := c.pages(ctx, "list", &m, c.Limit, func(reply *schema.Reply) (int, error) {
		return len(reply.Locks), c.page(sys, t, reply)
	}); err != nil {
		return err
	}
	return t.flush()
}

// pages makes the requests of a command that lists, until the list is at its end
// or there are as many as limit (0 is no limit). each takes a reply and tells how
// many are in it.
func (c *caller) pages(ctx context.Context, command string, m *schema.List, limit int64, each func(*schema.Reply) (int, error)) error {
	if limit < 0 {
		return usagef("%s: --limit: must not be negative", command)
	}
	if err := inFlags(command, m); err != nil {
		return err
	}
	ctx, s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	for left, more := limit, true; more; {
		page := int64(schema.MaxListLimit)
		if limit > 0 {
			page = min(page, left)
		}
		m.Limit = &page
		reply, err := s.call(ctx, schema.VerbList, m)
		if err != nil {
			return err
		}
		n, err := each(reply)
		if err != nil {
			return err
		}
		left -= int64(n)
		m.Cursor = reply.Cursor
		more = m.Cursor != "" && (limit == 0 || left > 0)
	}
	return nil
}

// page prints one reply, or adds it to the table.
func (c *listCmd) page(sys *system, t *lockTable, reply *schema.Reply) error {
	if c.JSON && statusOf(reply.Status) == 0 {
		return printEach(sys.out, "locks", reply)
	}
	return c.answer(sys, "list", reply, func() error {
		for i := range reply.Locks {
			t.add(&reply.Locks[i])
		}
		return nil
	})
}

// printEach prints each element of a list in a reply as the JSON object that it
// is there.
func printEach(w io.Writer, list string, reply *schema.Reply) error {
	var page map[string]json.RawMessage
	if err := json.Unmarshal(schema.Append(nil, schema.JSON, reply), &page); err != nil {
		return err
	}
	var elements []json.RawMessage
	if page[list] != nil {
		if err := json.Unmarshal(page[list], &elements); err != nil {
			return err
		}
	}
	for _, e := range elements {
		if _, err := w.Write(append(text.JSON(e), '\n')); err != nil {
			return err
		}
	}
	return nil
}
