package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/natslock/natslock/schema"
)

// namesCmd is the hidden command names, which completion scripts ask for the
// locks that are held.
type namesCmd struct {
	Begin string   `arg:"" help:"What the names begin with."`
	Words []string `arg:"" optional:"" help:"The command line so far. What it says of the connection counts."`

	caller `embed:""`
}

const maxNames = 200

// namesPatience is how long who has pressed a key waits for what it does. Tests
// make it longer.
var namesPatience = 300 * time.Millisecond

// plainName is a name that every shell takes for one word, as it is.
var plainName = regexp.MustCompile(`^[A-Za-z0-9_./@%+,][A-Za-z0-9_./@%+,-]*$`)

// Run prints names. It is silent when there are none, whatever the reason: the
// shell has a line to edit.
func (c *namesCmd) Run(ctx context.Context, sys *system) error {
	nothing := &failure{status: exitFailed}
	c.heed(c.Words)
	ctx, stop := context.WithTimeout(ctx, namesPatience)
	defer stop()
	s, err := c.dial(ctx)
	if err != nil {
		return nothing
	}
	defer s.close()
	limit := int64(maxNames)
	reply, err := s.call(ctx, schema.VerbList, &schema.List{Prefix: c.Begin, Client: c.label(), Limit: &limit})
	if err != nil {
		return nothing
	}
	for _, l := range reply.Locks {
		if !plainName.MatchString(l.Name) {
			continue
		}
		if _, err := fmt.Fprintln(sys.out, l.Name); err != nil {
			return nothing
		}
	}
	return nil
}

// heed takes the flags of the connection from the words of a line, where bash
// has made "=" a word.
func (c *caller) heed(words []string) {
	flags := map[string]*string{
		"--server": &c.Server, "--realm": &c.Realm, "--client": &c.Client, "--nats-creds": &c.Creds, "--nats-nkey": &c.NKey,
		"--nats-tls-ca": &c.TLSCA, "--nats-tls-cert": &c.TLSCert, "--nats-tls-key": &c.TLSKey,
	}
	var values []string
	for _, word := range words {
		if name, value, ok := strings.Cut(word, "="); ok && strings.HasPrefix(word, "--") {
			values = append(values, name, value)
		} else if word != "=" {
			values = append(values, word)
		}
	}
	for i := 0; i+1 < len(values); i++ {
		if values[i] == "--" {
			return
		}
		if flag := flags[values[i]]; flag != nil {
			*flag = values[i+1]
			i++
		}
	}
}
