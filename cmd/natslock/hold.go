package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/schema"
)

// hold takes the locks and holds them until it is interrupted or they are lost.
func (c *acquireCmd) hold(ctx context.Context, sys *system, s *session) error {
	what := "acquire " + strings.Join(c.Names, " ")
	set, err := c.take(ctx, sys, s)
	var refused *client.Error
	switch {
	case ctx.Err() != nil && err != nil:
		return context.Cause(ctx)
	case errors.As(err, &refused):
		reply := &schema.Reply{Status: refused.Status, Message: refused.Message, Name: refused.Name, Holders: refused.Holders}
		return c.answer(sys, what, reply, nil)
	case err != nil:
		return err
	}
	reply := &schema.Reply{Status: schema.StatusGranted, Owner: set.Locks()[0].Owner()}
	for _, l := range set.Locks() {
		reply.Locks = append(reply.Locks, schema.LockState{Name: l.Name(), Token: l.Token()})
	}
	if len(reply.Locks) == 1 {
		reply.Name, reply.Token, reply.Locks = reply.Locks[0].Name, reply.Locks[0].Token, nil
	}
	if err := c.answer(sys, what, reply, func() error { return c.show(sys, reply) }); err != nil {
		return &failure{status: exitUnavailable, err: errors.Join(err, set.Release(context.Background()))}
	}
	held := set.Context()
	select {
	case <-held.Done():
	case <-ctx.Done():
	}
	if err := set.Release(context.Background()); errors.Is(err, client.ErrLost) {
		return &failure{status: exitUnavailable, err: &told{fmt.Sprintf("%s: lost (%s)", what, lostWhy(err)), err}}
	} else if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// take acquires the locks through the client, which keeps them.
func (c *acquireCmd) take(ctx context.Context, sys *system, s *session) (*client.LockSet, error) {
	owner := c.Owner
	if c.Wait != 0 {
		owner = cmp.Or(owner, freshOwner())
	}
	options, err := holdOptions(c.TTL, c.Shared, int(c.Size), owner, c.Meta)
	if err != nil {
		return nil, err
	}
	if c.Wait == 0 {
		return s.TryAcquireAll(ctx, c.Names, options...)
	}
	w := c.wait(ctx, sys, s, c.Names, owner, c.Quiet)
	set, err := s.AcquireAll(ctx, c.Names, append(options, client.Wait(c.Wait))...)
	w.end(sys, err == nil)
	var refused *client.Error
	if errors.As(err, &refused) && refused.Status == schema.StatusTimeout {
		err = &client.Error{Status: refused.Status, Name: refused.Name, Message: w.vain(c.Wait, err)}
	}
	return set, err
}

// holdOptions are how a lock is to be held that the client keeps, by the flags of
// the command.
func holdOptions(ttl *time.Duration, shared bool, size int, owner string, flag metaFlag) ([]client.AcquireOption, error) {
	var options []client.AcquireOption
	if ttl != nil {
		options = append(options, client.TTL(*ttl))
	}
	if shared {
		options = append(options, client.Shared())
	}
	if size != 0 {
		options = append(options, client.Size(size))
	}
	if owner != "" {
		options = append(options, client.Owner(owner))
	}
	meta, err := flag.meta()
	if err != nil {
		return nil, err
	}
	if meta != nil {
		options = append(options, client.Meta(json.RawMessage(meta)))
	}
	return options, nil
}
