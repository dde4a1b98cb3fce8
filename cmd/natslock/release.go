package main

import (
	"context"
	"fmt"

	"github.com/alecthomas/kong"

	"github.com/natslock/natslock/schema"
)

// releaseCmd is the command release.
type releaseCmd struct {
	Name  string `arg:"" complete:"lock" help:"The lock."`
	Token uint64 `placeholder:"N" help:"The hold's token."`
	Owner string `placeholder:"ID" help:"The hold's owner, of this client, instead of its token."`

	caller `embed:""`
}

// Help has the examples.
func (*releaseCmd) Help() string {
	return `The next waiter has the lock at once. A hold that is not there any more is status 1, and nobody else's is touched.

Examples:

    natslock release orders/42 --token 1060143360000256
    natslock release orders/42 --owner nightly`
}

// Run ends the hold.
func (c *releaseCmd) Run(ctx context.Context, sys *system, command *kong.Context) error {
	m := &schema.Release{Name: c.Name, Client: c.label(), Token: c.Token, Owner: c.Owner}
	switch inToken, inOwner := given(command, "token"), given(command, "owner"); {
	case c.Token == 0 && c.Owner == "":
		return usagef("release: which hold? Give --token or --owner")
	case c.Token == 0 || c.Owner == "":
	case inToken == inOwner:
		return usagef("release: give --token or --owner, not both")
	case inToken:
		m.Owner = ""
	default:
		m.Token = 0
	}
	return c.once(ctx, sys, schema.VerbRelease, m, c.Name)
}

// once makes a request about one lock that is answered by a status.
func (c *caller) once(ctx context.Context, sys *system, v schema.Verb, m schema.Request, name string) error {
	if err := inFlags(string(v), m); err != nil {
		return err
	}
	ctx, s, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer s.close()
	reply, err := s.call(ctx, v, m)
	if err != nil {
		return err
	}
	return c.answer(sys, string(v)+" "+name, reply, func() error {
		line := string(reply.Status)
		if ttl := ttlText(reply.TTL); ttl != "" {
			line += " for " + ttl
		}
		_, err := fmt.Fprintln(sys.out, line)
		return err
	})
}
