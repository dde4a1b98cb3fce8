package client

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/natslock/natslock/schema"
)

// Release ends a hold by its token, whoever took it; a Client with an ID can do
// so with its own holds only (ErrDenied). ErrNotHeld when there is no such hold, and never
// when the request was repeated because its first reply was lost.
func (c *Client) Release(ctx context.Context, name string, token uint64) error {
	m := &schema.Release{Name: name, Token: token, Client: c.name}
	a, err := c.want(ctx, schema.VerbRelease, name, m)
	if errors.Is(err, ErrNotHeld) && a.sends > 1 {
		err = nil
	}
	if err == nil {
		c.askOf(hold{name, token})
	}
	return err
}

// ReleaseIn is CallIn with a release of what the caller knows to have been granted and
// not released yet. So what it names is not answered not_held when the request had to
// be repeated, but released: a copy of it may have ended the hold. That one had ended
// before is not told then.
func (c *Client) ReleaseIn(ctx context.Context, realm string, m *schema.Release) (*schema.Reply, error) {
	a, err := c.callIn(ctx, realm, schema.VerbRelease, m)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", schema.VerbRelease, err)
	}
	if a.sends > 1 {
		asDone(a.Reply)
	}
	return a.Reply, nil
}

// asDone has a reply to a release say that what it did not find was released before.
func asDone(r *schema.Reply) {
	if r.Status == schema.StatusNotHeld {
		r.Status, r.Message = schema.StatusReleased, ""
	}
	for i := range r.Locks {
		if r.Locks[i].Status == schema.StatusNotHeld {
			r.Locks[i].Status = schema.StatusReleased
		}
	}
}

// askOf has a lock ask whether it is held, if the hold is one of the Client's.
func (c *Client) askOf(h hold) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if l := c.findLocked(h); l != nil {
		l.askLocked()
	}
}

// Renew restarts the TTL of a hold by its token, and returns it; with another
// TTL if ttl is not nil. ErrNotHeld when there is no such hold.
func (c *Client) Renew(ctx context.Context, name string, token uint64, ttl *time.Duration) (time.Duration, error) {
	m := &schema.Renew{Name: name, Token: token, Client: c.name}
	if ttl != nil {
		ms, err := ttlMillis(*ttl)
		if err != nil {
			return 0, fmt.Errorf("renew %q: %w", name, err)
		}
		m.TTL = &ms
	}
	r, err := c.want(ctx, schema.VerbRenew, name, m)
	if err != nil {
		return 0, err
	}
	return replyTTL(r.Reply, 0), nil
}

// ForceOptions say which hold to end and why.
type ForceOptions struct {
	Token  uint64 // only the hold with this token. Default: all
	Reason string // for events, at most 512 bytes. Default: none
}

// Force ends the holds of a lock, whoever has them, and returns them as they
// were. ErrNotHeld when there are none, and also when the request was repeated
// because its first reply was lost.
func (c *Client) Force(ctx context.Context, name string, opts *ForceOptions) ([]Holder, error) {
	if opts == nil {
		opts = &ForceOptions{}
	}
	m := &schema.Force{Name: name, Client: c.name, Token: opts.Token, Reason: opts.Reason}
	r, err := c.want(ctx, schema.VerbForce, name, m)
	if err != nil {
		return nil, err
	}
	return r.Holders, nil
}

// want makes a request about a lock and takes every status but success for an
// error.
func (c *Client) want(ctx context.Context, v schema.Verb, name string, m schema.Message) (answer, error) {
	a, err := c.ok(ctx, v, m)
	if err != nil {
		return a, fmt.Errorf("%s %.100q: %w", v, name, err)
	}
	return a, nil
}

func (c *Client) ok(ctx context.Context, v schema.Verb, m schema.Message) (answer, error) {
	if err := c.enter(); err != nil {
		return answer{}, err
	}
	defer c.leave()
	a, err := c.call(ctx, c.options.Realm, v, m)
	if err == nil && !a.Status.OK() {
		err = refused(a.Reply)
	}
	return a, err
}
