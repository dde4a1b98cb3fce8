//go:build linux

package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/natslock/natslock/schema"
)

const (
	killings = 20 // of one server
	loners   = 24 // callers, each with a lock of its own
)

// loner is a caller whose lock nobody else wants: it knows exactly what the
// server must know.
type loner struct {
	wire  *wire
	name  string
	token uint64 // the last that it was given
	turns int
}

func TestKillKeepsEverything(t *testing.T) {
	t.Parallel()
	for i, mode := range []string{"always", "1s"} {
		t.Run("sync "+mode, func(t *testing.T) {
			t.Parallel()
			t.Logf("seed %d", *seed)
			killOverAndOver(t, mode, rand.New(rand.NewPCG(*seed, uint64(i))))
		})
	}
}

// killOverAndOver kills a server again and again while callers acquire and
// release, and look at what it knows after each of these.
func killOverAndOver(t *testing.T, mode string, rand *rand.Rand) {
	addr, data := freeAddr(t), t.TempDir()
	serve := func() *process {
		p := start(t, "serve", "--data", data, "--nats", addr, "--sync", mode, "--log-level", "warn")
		if _, err := p.awaitReady(); err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := serve()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	trouble, calm := context.WithCancel(ctx)
	defer calm()
	w := newWire(t, dial(t, addr), "kill")
	var work sync.WaitGroup
	callers := make([]*loner, loners)
	for i := range callers {
		c := &loner{wire: w, name: fmt.Sprintf("lock-%d", i)}
		callers[i] = c
		work.Go(func() {
			for trouble.Err() == nil {
				if err := c.turn(ctx); err != nil {
					t.Errorf("%s: %v", c.name, err)
					return
				}
			}
		})
	}
	for range killings {
		pause(ctx, time.Duration(rand.Int64N(int64(150*time.Millisecond))))
		p.kill()
		p = serve()
	}
	calm()
	work.Wait()
	turns := 0
	for _, c := range callers {
		turns += c.turns
	}
	t.Logf("%d grants and releases through %d kills", turns, killings)
}

// turn acquires, renews and releases, and finds after each answer that the
// server knows of it.
func (c *loner) turn(ctx context.Context) error {
	c.turns++
	id := fmt.Sprintf("%s-%d", c.name, c.turns)
	ttl := int64(schema.MaxTTL)
	m := &schema.Acquire{Name: c.name, Client: "loner", Owner: id, Request: id, TTL: &ttl}
	a, err := c.wire.ask(ctx, schema.MessagePack, schema.VerbAcquire, "", m)
	switch {
	case err != nil:
		return err
	case a.Status != schema.StatusGranted:
		return unexpected(schema.VerbAcquire, &a)
	case a.Token <= c.token:
		return fmt.Errorf("token %d after %d", a.Token, c.token)
	}
	c.token = a.Token
	if err := c.look(ctx, c.token); err != nil {
		return fmt.Errorf("granted %d: %w", c.token, err)
	}
	r, err := c.wire.ask(ctx, schema.JSON, schema.VerbRenew, "", &schema.Renew{Name: c.name, Token: c.token})
	if err == nil && r.Status != schema.StatusRenewed {
		err = unexpected(schema.VerbRenew, &r)
	}
	if err != nil {
		return err
	}
	r, err = c.wire.ask(ctx, schema.JSON, schema.VerbRelease, "", &schema.Release{Name: c.name, Token: c.token})
	if err == nil && r.Status != schema.StatusReleased && (r.Status != schema.StatusNotHeld || r.sends == 1) {
		err = unexpected(schema.VerbRelease, &r)
	}
	if err != nil {
		return err
	}
	if err := c.look(ctx); err != nil {
		return fmt.Errorf("released %d: %w", c.token, err)
	}
	return nil
}

// look inspects the lock, which must have just the holds with the tokens.
func (c *loner) look(ctx context.Context, tokens ...uint64) error {
	a, err := c.wire.ask(ctx, schema.JSON, schema.VerbInspect, "", &schema.Inspect{Name: c.name})
	if err != nil {
		return err
	}
	if a.Status != schema.StatusOK || len(a.Locks) != 1 {
		return unexpected(schema.VerbInspect, &a)
	}
	holders := a.Locks[0].Holders
	if len(holders) != len(tokens) {
		return fmt.Errorf("holders are %+v, want %d", holders, tokens)
	}
	for i := range tokens {
		if holders[i].Token != tokens[i] {
			return errors.New("another holds it")
		}
	}
	return nil
}
