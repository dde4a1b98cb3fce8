package client

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/natslock/natslock/schema"
)

// Leaf is a session within that of a Client: for one caller of a gateway, say, whose
// holds end when its connection does. What is acquired with CallIn for the Session of
// the Leaf lives as long as the Leaf: until it leaves, or the Client's session ends.
type Leaf struct {
	p       *presence
	session string
	context *heldContext
}

// OpenLeaf opens a Leaf of the Client's session, which is opened if there is none.
// The name tells it from the others, and is used once; by default it is one that
// nobody guesses. Every Leaf must be left. Errors: those of Presence; ErrInvalid.
func (c *Client) OpenLeaf(ctx context.Context, name string) (*Leaf, error) {
	if name == "" {
		name = rand.Text()
	}
	if most := schema.MaxSession - len(rand.Text()+"/"); len(name) > most || !utf8.ValidString(name) {
		return nil, invalidf("leaf: want at most %d bytes of UTF-8", most)
	}
	if err := c.enter(); err != nil {
		return nil, err
	}
	defer c.leave()
	p, err := c.present(ctx, &request{until: c.bound(ctx)})
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Leaf{p: p, session: p.id + "/" + name, context: newHeldContext(p.contextLocked(), p)}, nil
}

// Session is what an acquire names to be held by the Leaf.
func (l *Leaf) Session() string { return l.session }

// Context returns a context that ends when what is held by the Leaf has ended, or may
// have: with the cause ErrLost when the Client's session is lost, ErrClosed when the
// Client is closed, ErrReleased when the Leaf has left.
func (l *Leaf) Context() context.Context { return l.context }

// Leave ends the Leaf: its holds are released, and its waiters canceled. With an error
// this goes on in the background. A second time does nothing.
func (l *Leaf) Leave(ctx context.Context) error {
	if l.context.Err() != nil {
		return nil // with the session, or by an earlier Leave
	}
	l.context.cancel(ErrReleased)
	c := l.p.c
	c.mu.Lock()
	m := &schema.Leave{Session: l.session, Client: c.name, Epoch: l.p.epoch} // so that a late copy ends nothing of a later opening
	c.mu.Unlock()
	err := c.enter()
	if err == nil {
		defer c.leave()
		var a answer
		if a, err = c.call(ctx, c.options.Realm, schema.VerbLeave, m); err == nil && !a.Status.OK() {
			err = refused(a.Reply)
		}
	}
	if err == nil {
		return nil
	}
	if !errors.Is(err, ErrDenied) && !errors.Is(err, ErrInvalid) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.sendLocked(&errand{c: c, request: c.request(schema.VerbLeave, m), ends: c.now() + leaveFor})
	}
	return fmt.Errorf("leave: %w", err)
}
