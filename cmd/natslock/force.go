package main

import (
	"bufio"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/cmd/natslock/text"
	"github.com/natslock/natslock/schema"
)

// forceCmd is the command force.
type forceCmd struct {
	Name   string `arg:"" complete:"lock" help:"The lock."`
	Token  uint64 `placeholder:"N" help:"Only the hold with this token. Default: all."`
	Reason string `placeholder:"TEXT" help:"Why, for the event that tells of it."`
	Yes    bool   `short:"y" help:"Do not ask."`

	caller `embed:""`
}

// Help has the examples.
func (*forceCmd) Help() string {
	return `The holders are told, but one that is paused may go on working: fence with tokens where that would do damage. On a terminal the command asks first.

Examples:

    natslock force orders/42 --reason "worker-7 is gone"
    natslock force orders/42 --token 1060143360000256 --yes`
}

// Run ends the holds.
func (c *forceCmd) Run(ctx context.Context, sys *system) error {
	m := &schema.Force{Name: c.Name, Client: c.label(), Token: c.Token, Reason: c.Reason}
	if err := inFlags("force", m); err != nil {
		return err
	}
	ctx, s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if !c.Yes && isTerminal(sys.in) {
		if err := c.confirm(ctx, sys, s); err != nil {
			return err
		}
	}
	reply, err := s.call(ctx, schema.VerbForce, m)
	if err != nil {
		return err
	}
	return c.answer(sys, "force "+c.Name, reply, func() error {
		for _, h := range reply.Holders {
			if _, err := fmt.Fprintf(sys.out, "released: was held by %s\n", text.Printable(heldBy([]schema.Holder{h}, time.Now()))); err != nil {
				return err
			}
		}
		return nil
	})
}

// confirm shows what would end, and asks.
func (c *forceCmd) confirm(ctx context.Context, sys *system, s *session) error {
	states, err := s.Inspect(ctx, c.Name)
	if err != nil {
		return err
	}
	holders := states[0].Holders
	if c.Token != 0 {
		holders = withToken(holders, c.Token)
	}
	if len(holders) == 0 {
		return nil // the service will say so
	}
	question := fmt.Sprintf("%s is held by %s.\nEnd it? [y/N] ", text.Escape(c.Name), text.Printable(heldBy(holders, time.Now())))
	if _, err := fmt.Fprint(sys.err, question); err != nil {
		return err
	}
	line, err := readLine(ctx, sys)
	if err != nil {
		return err
	}
	if answer := strings.ToLower(strings.TrimSpace(line)); answer != "y" && answer != "yes" {
		return &told{fmt.Sprintf("force %s: nothing was done", c.Name), client.ErrCanceled}
	}
	return nil
}

func withToken(holders []schema.Holder, token uint64) []schema.Holder {
	for _, h := range holders {
		if h.Token == token {
			return []schema.Holder{h}
		}
	}
	return nil
}

// readLine reads a line of standard input, until ctx ends. The end of input is
// an empty line.
func readLine(ctx context.Context, sys *system) (string, error) {
	lines := make(chan string, 1)
	go func() { // a read of a terminal cannot be canceled: it ends with the process
		line, _ := bufio.NewReader(sys.in).ReadString('\n')
		lines <- line
	}()
	select {
	case line := <-lines:
		return line, nil
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}
