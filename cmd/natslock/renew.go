package main

import (
	"context"
	"time"

	"github.com/natslock/natslock/schema"
)

// renewCmd is the command renew.
type renewCmd struct {
	Name  string         `arg:"" complete:"lock" help:"The lock."`
	Token uint64         `required:"" placeholder:"N" help:"The hold's token."`
	TTL   *time.Duration `name:"ttl" placeholder:"D" help:"How long the hold lives from now on without another renew. Default: as before."`

	caller `embed:""`
}

// Help has the examples.
func (*renewCmd) Help() string {
	return `Examples:

    natslock renew orders/42 --token 1060143360000256
    natslock renew orders/42 --token 1060143360000256 --ttl 10m`
}

// Run restarts the hold's time.
func (c *renewCmd) Run(ctx context.Context, sys *system) error {
	ttl, err := ttlMillis(c.TTL)
	if err != nil {
		return err
	}
	m := &schema.Renew{Name: c.Name, Client: c.label(), Token: c.Token, TTL: ttl}
	return c.once(ctx, sys, schema.VerbRenew, m, c.Name)
}
