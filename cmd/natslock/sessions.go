package main

import (
	"context"
	"strconv"

	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// sessionsCmd is the command sessions.
type sessionsCmd struct {
	Holder string `placeholder:"CLIENT" help:"Only sessions that this client opened."`
	Limit  int64  `placeholder:"N" help:"At most N sessions. Default: all."`

	caller `embed:""`
}

// Help has the examples.
func (*sessionsCmd) Help() string {
	return `A session says by keepalives that its client is there. What it holds or waits for in the realm, by itself or its leaves, ends when it leaves, when it is silent for its TTL, or when its connection stays away for longer than its grace. Sessions are shown that locks of the realm name, and with --client that client's own. With --json each line is one session.

Examples:

    natslock sessions
    natslock sessions --holder root@worker-7 --json | jq -r .session`
}

// Run lists the sessions.
func (c *sessionsCmd) Run(ctx context.Context, sys *system) error {
	m := schema.List{Holder: c.Holder, Client: c.label(), Sessions: true}
	t := newLockTable(sys)
	t.table.Header = []string{"SESSION", "CLIENT", "HOLDS", "WAITERS", "TTL", "GRACE", "EXPIRES", "SINCE"}
	t.table.Whole, t.table.Spare = []string{"HOLDS", "WAITERS", "TTL", "GRACE", "EXPIRES", "SINCE"}, nil
	if err := c.pages(ctx, "sessions", &m, c.Limit, func(reply *schema.Reply) (int, error) {
		return len(reply.Sessions), c.page(sys, t, reply)
	}); err != nil {
		return err
	}
	return t.flush()
}

// page prints one reply, or adds it to the table.
func (c *sessionsCmd) page(sys *system, t *lockTable, reply *schema.Reply) error {
	if c.JSON && statusOf(reply.Status) == 0 {
		return printEach(sys.out, "sessions", reply)
	}
	return c.answer(sys, "sessions", reply, func() error {
		for i := range reply.Sessions {
			s := &reply.Sessions[i]
			t.table.Row(text.Escape(s.Session), text.Escape(s.Client), strconv.FormatInt(s.Holds, 10), strconv.FormatInt(s.Waiters, 10),
				t.span(s.TTL), t.span(s.Grace), t.expires(s.ExpiresIn), t.since(s.OpenedAt))
		}
		return nil
	})
}
