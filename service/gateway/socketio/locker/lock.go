package locker

import (
	"context"
	"encoding/json"

	"github.com/natslock/natslock/schema"
)

// lock takes a lock, or joins what the client holds.
func (c *caller) lock(ctx context.Context, args []json.RawMessage) any {
	r, err := parseRequest(args, false)
	if err != nil {
		return failed(argument(args), err)
	}
	before, err := c.holder(ctx, r.id)
	if err != nil {
		return failed(r.raw, err)
	}
	details := r.details.without(owned...)
	if before != nil && c.owns(before) {
		details = recordOf(c.realm, r.id, before).details.merged(details)
	}
	reply, err := c.acquire(ctx, r.id, metaOf(r.resource, details))
	if err != nil {
		return failed(r.raw, err)
	}
	switch {
	case reply.Status == schema.StatusGranted:
		taken := record{r.id, r.resource, details, c.realm, c.client, []string{c.socket.ID()}}
		return answer{Result: resultOK, Status: statusLocked, Data: taken.text()}
	case reply.Status == schema.StatusHeld && len(reply.Holders) > 0:
		return answer{Result: resultError, Status: statusLocked, Data: recordOf(c.realm, r.id, &reply.Holders[0]).text()}
	case reply.Status == schema.StatusAlready:
		held := record{r.id, r.resource, details, c.realm, c.client, nil}
		if before != nil && c.owns(before) {
			held = recordOf(c.realm, r.id, before)
		}
		return answer{Result: resultOK, Status: statusAlready, Data: held.joined(c.socket.ID()).text()}
	}
	return failed(r.raw, refused(schema.VerbAcquire, reply))
}

// owns tells whether a hold is of the caller's client.
func (c *caller) owns(h *schema.Holder) bool { return h.Client == c.client && h.Owner == c.client }

// acquire asks for a lock, a second time if the leaf turns out to have ended.
func (c *caller) acquire(ctx context.Context, id string, meta schema.Meta) (reply *schema.Reply, err error) {
	ttl := c.server.config.TTL.Milliseconds()
	for range 2 {
		if err := c.present(ctx); err != nil {
			return nil, err
		}
		m := schema.Acquire{Name: id, Client: c.client, Owner: c.client, Session: c.leaf.Session(), TTL: &ttl, Meta: meta}
		reply, err = c.call(ctx, c.realm, schema.VerbAcquire, &m)
		if err != nil || reply.Status != schema.StatusSessionExpired && reply.Status != schema.StatusCanceled {
			break
		}
		c.leave()
	}
	return reply, err
}

// isLock tells who holds a lock.
func (c *caller) isLock(ctx context.Context, args []json.RawMessage) any {
	r, err := parseRequest(args, false)
	if err != nil {
		return failed(argument(args), err)
	}
	h, err := c.holder(ctx, r.id)
	switch {
	case err != nil:
		return failed(r.raw, err)
	case h == nil:
		return answer{Result: resultOK, Status: statusFree, Data: r.free(c.realm, c.client)}
	}
	return answer{Result: resultOK, Status: statusLocked, Data: recordOf(c.realm, r.id, h).text()}
}

// unlock takes the socket out of a lock, which goes with the last.
func (c *caller) unlock(ctx context.Context, args []json.RawMessage) any {
	r, err := parseRequest(args, true)
	if err != nil {
		return failed(argument(args), err)
	}
	notLocked := answer{Result: resultError, Status: statusNotLocked, Data: r.raw}
	h, err := c.holder(ctx, r.id)
	switch {
	case err != nil:
		return failed(r.raw, err)
	case h == nil:
		return notLocked
	case h.Client != c.client:
		return answer{Result: resultError, Status: statusLocked, Data: recordOf(c.realm, r.id, h).text()}
	}
	held := recordOf(c.realm, r.id, h)
	status, err := c.release(ctx, r.id, h)
	switch {
	case err != nil:
		return failed(r.raw, err)
	case status == schema.StatusNotHeld:
		return notLocked
	case status == schema.StatusReleased:
		held.sids = []string{}
		return answer{Result: resultOK, Status: statusUnlock, Data: held.text()}
	}
	return answer{Result: resultOK, Status: statusLocked, Data: held.left(c.socket.ID()).text()}
}

// release takes the socket out of a hold, and renews what stays: released, kept or
// not_held.
func (c *caller) release(ctx context.Context, id string, h *schema.Holder) (schema.Status, error) {
	status := schema.StatusKept
	if c.leaf != nil || len(h.Sessions) == 0 {
		m := schema.Release{Name: id, Client: h.Client, Token: h.Token}
		if len(h.Sessions) > 0 {
			m.Session = c.leaf.Session()
		}
		reply, err := c.call(ctx, c.realm, schema.VerbRelease, &m)
		if err != nil {
			return "", err
		}
		if status = reply.Status; status != schema.StatusKept {
			return decided(schema.VerbRelease, reply, schema.StatusReleased)
		}
	}
	ttl := c.server.config.TTL.Milliseconds()
	reply, err := c.call(ctx, c.realm, schema.VerbRenew, &schema.Renew{Name: id, Client: h.Client, Token: h.Token, TTL: &ttl})
	if err != nil {
		return "", err
	}
	if reply.Status == schema.StatusRenewed {
		return status, nil
	}
	return decided(schema.VerbRenew, reply, schema.StatusRenewed)
}

// decided is the status of a reply that is that or not_held, and else an error.
func decided(v schema.Verb, r *schema.Reply, want schema.Status) (schema.Status, error) {
	if r.Status != want && r.Status != schema.StatusNotHeld {
		return "", refused(v, r)
	}
	return r.Status, nil
}

// forceUnlock ends a lock whoever holds it.
func (c *caller) forceUnlock(ctx context.Context, args []json.RawMessage) any {
	r, err := parseRequest(args, true)
	if err != nil {
		return failed(argument(args), err)
	}
	reply, err := c.call(ctx, c.realm, schema.VerbForce, &schema.Force{Name: r.id, Client: c.client, Reason: "forceUnlock"})
	switch {
	case err != nil:
		return failed(r.raw, err)
	case reply.Status == schema.StatusReleased && len(reply.Holders) > 0:
		return answer{Result: resultOK, Status: statusUnlock, Data: recordOf(c.realm, r.id, &reply.Holders[0]).text()}
	case reply.Status == schema.StatusReleased, reply.Status == schema.StatusNotHeld:
		return answer{Result: resultOK, Status: statusUnlock, Data: r.named()}
	}
	return failed(r.raw, refused(schema.VerbForce, reply))
}
