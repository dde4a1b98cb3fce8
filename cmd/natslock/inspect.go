package main

import (
	"context"

	"github.com/natslock/natslock/schema"
)

// inspectCmd is the command inspect.
type inspectCmd struct {
	Names []string `arg:"" name:"name" complete:"lock" help:"Locks to show, at most 256."`

	caller `embed:""`
}

// Help has the examples.
func (*inspectCmd) Help() string {
	return `Printed are the holds and the waiters of each lock, in order; a free lock has a row too. In a pipe the columns, separated by tabs, are: name, state (held, waiting or free), mode (shared/N for a semaphore of N), client, owner, token, time left, since, meta, sessions; "-" where there is nothing.

Examples:

    natslock inspect orders/42
    natslock inspect orders/42 --json | jq '.locks[0].waiters | length'`
}

// Run shows the locks.
func (c *inspectCmd) Run(ctx context.Context, sys *system) error {
	m := &schema.Inspect{Names: c.Names, Client: c.label()}
	if err := inFlags("inspect", m); err != nil {
		return err
	}
	ctx, s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	reply, err := s.call(ctx, schema.VerbInspect, m)
	if err != nil {
		return err
	}
	return c.answer(sys, "inspect", reply, func() error {
		t := newLockTable(sys)
		for i := range reply.Locks {
			t.add(&reply.Locks[i])
		}
		return t.flush()
	})
}
