package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// watchCmd is the command watch.
type watchCmd struct {
	Types  []schema.EventType `name:"type" values:"granted,released,expired,orphaned,forced,queued,canceled" placeholder:"TYPE" help:"Only events of these types: granted, released, expired, orphaned, forced, queued, canceled. Default: all."`
	Prefix string             `placeholder:"TEXT" help:"Only locks whose names begin so."`
	Quiet  bool               `short:"q" help:"Do not say when watching begins."`

	caller `embed:""`
}

// Help has the examples.
func (*watchCmd) Help() string {
	return `Events are printed from the moment at which "watching" is said on standard error, until the command is interrupted. They are told, not stored: if some may have been missed, standard error says so. In a pipe the columns, separated by tabs, are: time, type, name, client, owner, token, mode, reason, time waited, time held; "-" where there is nothing.

Examples:

    natslock watch --prefix orders/
    natslock watch --type expired,forced --json | jq -r .name`
}

// Run prints events.
func (c *watchCmd) Run(ctx context.Context, sys *system) error {
	for _, t := range c.Types {
		if !t.Valid() {
			return usagef("watch: --type: %q is none of granted, released, expired, orphaned, forced, queued, canceled", t)
		}
	}
	ctx, s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	events, err := s.Watch(ctx, &client.WatchOptions{Types: c.Types, Prefix: c.Prefix})
	if err != nil {
		return err
	}
	if !c.Quiet {
		if _, err := fmt.Fprintf(sys.err, "natslock: watching realm %s\n", text.Escape(c.Realm)); err != nil {
			return err
		}
	}
	for e, err := range events {
		if errors.Is(err, client.ErrLagged) {
			complain(sys.err, fmt.Errorf("watch: %w", err))
			continue
		}
		if err != nil {
			return err
		}
		if err := c.print(sys, &e); err != nil {
			return err
		}
	}
	return context.Cause(ctx)
}

func (c *watchCmd) print(sys *system, e *schema.Event) error {
	if c.JSON {
		return printJSON(sys.out, e)
	}
	if isTerminal(sys.out) {
		_, err := fmt.Fprintln(sys.out, text.Printable(eventLine(e)))
		return err
	}
	table := text.Table{W: sys.out}
	table.Row(e.At.UTC().Format(timeFormat), string(e.Type), text.Escape(e.Name), text.Escape(e.Client), text.Escape(e.Owner),
		number(e.Token), string(e.Mode), text.Escape(e.Reason), spent(e.Waited), spent(e.Held))
	return table.Flush()
}

// eventLine is an event for people.
func eventLine(e *schema.Event) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s  %-8s  %s  %s", e.At.Local().Format("15:04:05.000"), e.Type, text.Escape(e.Name), text.Escape(named(e.Client)))
	for _, part := range [][2]string{
		{"owner", text.Escape(e.Owner)}, {"token", number(e.Token)}, {"reason", text.Escape(e.Reason)},
		{"waited", spent(e.Waited)}, {"held", spent(e.Held)},
	} {
		if part[1] != "" {
			b.WriteString("  " + part[0] + "=" + part[1])
		}
	}
	return b.String()
}

func number(n uint64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatUint(n, 10)
}

func spent(ms *int64) string {
	if ms == nil {
		return ""
	}
	return (time.Duration(*ms) * time.Millisecond).String()
}
