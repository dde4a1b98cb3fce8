package main

import (
	"cmp"
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

// acquireCmd is the command acquire.
type acquireCmd struct {
	Names   []string       `arg:"" name:"name" complete:"lock" help:"Locks to take, all or none."`
	Wait    time.Duration  `placeholder:"D" help:"How long to wait for them. Default: not at all."`
	TTL     *time.Duration `name:"ttl" placeholder:"D" help:"How long the hold lives without renew. Default: the server's."`
	Shared  bool           `help:"Hold together with other shared holders."`
	Size    holders        `placeholder:"N" help:"Shared by at most N holders: a semaphore."`
	Owner   string         `placeholder:"ID" help:"Who the hold belongs to: the same client and owner again get the same hold. Default: a fresh one."`
	Meta    metaFlag       `sep:"none" placeholder:"K=V" help:"What others see of the hold: key=value or a JSON object. Repeatable."`
	Quiet   bool           `short:"q" help:"Do not say what is waited for, and what was granted after that."`
	Request string         `placeholder:"ID" help:"Identifies the attempt: repeating it takes nothing twice."`
	Hold    bool           `help:"Stay, and hold the locks until interrupted: by presence, or with --ttl by renewing that."`

	caller `embed:""`
}

// Help has the examples.
func (*acquireCmd) Help() string {
	return `The locks are held until release or until their time is over; nothing renews them, so prefer "natslock run" where a command can be wrapped. With --hold they are held until this command is interrupted, which releases them; if they are lost before, its status is 3. In a pipe one lock's token is printed alone; of several, each line has name and token.

Examples:

    natslock acquire orders/42 --ttl 5m
    token=$(natslock acquire orders/42 --wait 10s) && ... ; natslock release orders/42 --token $token
    natslock acquire src dst --meta job=copy
    natslock acquire printers --size 3
    natslock acquire maintenance --hold`
}

// Run takes the locks.
func (c *acquireCmd) Run(ctx context.Context, sys *system) error {
	m, err := c.message()
	if err != nil {
		return err
	}
	ctx, s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	if c.Hold {
		return c.hold(ctx, sys, s)
	}
	reply, err := c.ask(ctx, sys, s, m)
	if err != nil {
		return err
	}
	if reply.Status == schema.StatusSizeMismatch && !c.JSON {
		reply.Message = cmp.Or(s.mismatch(ctx, c.Names, m.Mode, m.Size), reply.Message)
	}
	what := "acquire " + strings.Join(c.Names, " ")
	err = c.answer(sys, what, reply, func() error { return c.show(sys, reply) })
	if err != nil && reply.Status.OK() {
		// A token that nobody has read would hold its lock for nobody.
		return &failure{status: exitUnavailable, err: errors.Join(err, c.giveBack(ctx, s, reply))}
	}
	return err
}

// ask makes the request, and tells of it while it waits.
func (c *acquireCmd) ask(ctx context.Context, sys *system, s *session, m *schema.Acquire) (*schema.Reply, error) {
	if m.Wait == 0 {
		return s.call(ctx, schema.VerbAcquire, m)
	}
	m.Owner = cmp.Or(m.Owner, freshOwner())
	w := c.wait(ctx, sys, s, c.Names, m.Owner, c.Quiet)
	reply, err := s.call(ctx, schema.VerbAcquire, m)
	w.end(sys, err == nil && reply.Status.OK())
	if errors.Is(err, client.ErrTimeout) {
		reply = &schema.Reply{Status: schema.StatusTimeout, Name: m.Name}
	} else if err != nil {
		return nil, err
	}
	if reply.Status == schema.StatusTimeout {
		reply.Message = w.vain(c.Wait, err)
	}
	return reply, nil
}

// giveBack releases what was granted.
func (c *acquireCmd) giveBack(ctx context.Context, s *session, reply *schema.Reply) error {
	m := &schema.Release{Client: c.label()}
	if m.Name, m.Token = reply.Name, reply.Token; m.Token == 0 {
		for _, l := range reply.Locks {
			m.Locks = append(m.Locks, schema.LockToken{Name: l.Name, Token: l.Token})
		}
	}
	if _, err := s.call(ctx, schema.VerbRelease, m); err != nil {
		return fmt.Errorf("release what was granted: %w", err)
	}
	return nil
}

func (c *acquireCmd) message() (*schema.Acquire, error) {
	if c.Hold && c.Request != "" {
		return nil, usagef("acquire: --request is for what is not held: --hold repeats its attempts by itself")
	}
	m := &schema.Acquire{Client: c.label(), Owner: c.Owner, Request: c.Request, Size: int64(c.Size)}
	if len(c.Names) == 1 {
		m.Name = c.Names[0]
	} else {
		m.Names = c.Names
	}
	if c.Shared || c.Size != 0 {
		m.Mode = schema.ModeShared
	}
	var err error
	if m.TTL, err = ttlMillis(c.TTL); err != nil {
		return nil, err
	}
	if m.Wait, err = milliseconds("wait", c.Wait); err != nil {
		return nil, err
	}
	if m.Meta, err = c.Meta.meta(); err != nil {
		return nil, err
	}
	return m, inFlags("acquire", m)
}

// show prints the tokens.
func (c *acquireCmd) show(sys *system, reply *schema.Reply) error {
	locks := reply.Locks
	if len(locks) == 0 {
		locks = []schema.LockState{{Name: reply.Name, Token: reply.Token}}
	}
	if len(locks) == 1 && !isTerminal(sys.out) {
		_, err := fmt.Fprintln(sys.out, locks[0].Token)
		return err
	}
	table := text.Table{W: sys.out, Terminal: isTerminal(sys.out), Header: []string{"NAME", "TOKEN", "OWNER", "TTL"}, Width: columns(sys.out), Whole: []string{"TOKEN"}}
	for _, l := range locks {
		row := []string{text.Escape(l.Name), strconv.FormatUint(l.Token, 10)}
		if table.Terminal {
			row = append(row, text.Escape(reply.Owner), ttlText(reply.TTL))
		}
		table.Row(row...)
	}
	return table.Flush()
}

func ttlText(ms *int64) string {
	if ms == nil || *ms == 0 {
		return ""
	}
	return (time.Duration(*ms) * time.Millisecond).String()
}
