package locker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/natslock/natslock/schema"
)

// lock takes a lock, or joins what the client holds.
func (c *caller) lock(ctx context.Context, args []json.RawMessage) said {
	r, err := c.parse(args, false)
	if err != nil {
		return failed(argument(args), err)
	}
	reply, sole, err := c.acquire(ctx, r.id, r.kept.meta, true)
	if err != nil {
		return failed(r.raw, err)
	}
	if reply.Status == schema.StatusAlready && len(reply.Holders) > 0 {
		return c.join(ctx, &r)
	}
	return c.taken(&r, r.own, reply, sole)
}

// join has the socket hold what its client holds, and merges the details: one tab after
// another, or one would write over what another has added meanwhile.
func (c *caller) join(ctx context.Context, r *request) said {
	waiting, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	done, err := c.server.joining.take(waiting, c.realm, c.client, r.id)
	if err != nil {
		return failed(r.raw, err)
	}
	defer done()
	before, err := c.holder(ctx, r.id)
	if err != nil {
		return failed(r.raw, err)
	}
	held := record{id: r.id, resource: r.resource, realm: c.realm, client: c.client, sids: []string{}}
	if before != nil && before.Client == c.client {
		held = recordOf(c.realm, r.id, before)
	}
	details := held.details.merged(r.own)
	reply, sole, err := c.acquire(ctx, r.id, metaOf(r.resource, details), false)
	switch {
	case err != nil:
		return failed(r.raw, err)
	case reply.Status == schema.StatusAlready:
		c.holds.note(r.id, hold{})
		return answer{Result: resultOK, Status: statusAlready, Data: held.joined(c.socket.ID()).text()}
	}
	return c.taken(r, details, reply, sole) // meanwhile it has ended
}

// taken answers who holds the lock after an acquire.
func (c *caller) taken(r *request, details object, reply *schema.Reply, sole string) said {
	switch {
	case reply.Status == schema.StatusGranted:
		c.holds.note(r.id, hold{sole: sole})
		taken := record{r.id, r.resource, details, c.realm, c.client, []string{c.socket.ID()}}
		c.server.recents.keep(reply.Token, taken)
		return answer{Result: resultOK, Status: statusLocked, Data: taken.text()}
	case reply.Status == schema.StatusHeld && len(reply.Holders) > 0:
		return answer{Result: resultError, Status: statusLocked, Data: recordOf(c.realm, r.id, &reply.Holders[0]).text()}
	}
	return failed(r.raw, refused(schema.VerbAcquire, reply))
}

// acquire asks for a lock, a second time if the leaf turns out to have ended. If it is
// to be fresh, a hold of the client's is told of and not joined. sole is as
// client.AcquireIn tells it.
func (c *caller) acquire(ctx context.Context, id string, meta schema.Meta, fresh bool) (reply *schema.Reply, sole string, err error) {
	ttl := c.server.config.TTL.Milliseconds()
	for range 2 {
		if err := c.present(ctx); err != nil {
			return nil, "", err
		}
		m := schema.Acquire{Name: id, Client: c.client, Owner: c.client, Session: c.leaf.Session(), TTL: &ttl, Meta: meta, Fresh: fresh}
		reply, sole, err = c.ask(ctx, &m)
		if err != nil {
			err = fitting(&m, err)
		}
		if err != nil || reply.Status != schema.StatusSessionExpired && reply.Status != schema.StatusCanceled {
			break
		}
		c.leave()
	}
	return reply, sole, err
}

// fitting says in the words of callers, who know of no meta, what is wrong with the one
// that was made of their details. Of all else it says what has been said.
func fitting(m *schema.Acquire, said error) error {
	var bad *schema.Error
	if errors.As(m.Validate(), &bad) && bad.Field == "meta" {
		return fmt.Errorf("details: with the resource, %s", strings.TrimPrefix(bad.Message, "meta: "))
	}
	return said
}

// isLock tells who holds a lock.
func (c *caller) isLock(ctx context.Context, args []json.RawMessage) said {
	r, err := c.parse(args, false)
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
func (c *caller) unlock(ctx context.Context, args []json.RawMessage) said {
	r, err := c.parse(args, true)
	if err != nil {
		return failed(argument(args), err)
	}
	h, status, err := c.part(ctx, r.id)
	notLocked := answer{Result: resultError, Status: statusNotLocked, Data: r.raw}
	switch {
	case err != nil:
		return failed(r.raw, err)
	case status == schema.StatusReleased && !c.owns(h): // nobody knows its details any more
		return answer{Result: resultOK, Status: statusUnlock, Data: r.ended(c.realm, c.client)}
	case h == nil:
		return notLocked
	case h.Client != c.client:
		return answer{Result: resultError, Status: statusLocked, Data: recordOf(c.realm, r.id, h).text()}
	}
	held := r.recordOf(c.realm, h)
	if status != schema.StatusReleased {
		status, err = c.rest(ctx, r.id, h, status)
	}
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

// owns tells whether a hold is one of the client's sockets.
func (c *caller) owns(h *schema.Holder) bool {
	return h != nil && h.Client == c.client && h.Owner == c.client
}

// part takes the socket out of its client's hold, and returns who held the lock
// before. The status is empty if nothing was tried. What was released by an earlier copy
// of the request is not shown: whoever holds the lock by now is.
func (c *caller) part(ctx context.Context, id string) (*schema.Holder, schema.Status, error) {
	if c.leaf == nil { // it has no part in anything
		h, err := c.holder(ctx, id)
		return h, "", err
	}
	m := schema.Release{Name: id, Client: c.client, Owner: c.client, Session: c.leaf.Session(), Show: true}
	reply, err := c.release(ctx, &m)
	switch {
	case err != nil:
		return nil, "", err
	case reply.Status != schema.StatusKept && reply.Status != schema.StatusReleased && reply.Status != schema.StatusNotHeld:
		return nil, "", refused(schema.VerbRelease, reply)
	case len(reply.Holders) == 0:
		return nil, reply.Status, nil
	}
	return &reply.Holders[0], reply.Status, nil
}

// rest does what is left to do about a hold of the client's: one that no session holds,
// or no socket, ends, and what other sockets hold is renewed. The status is released,
// kept or not_held.
func (c *caller) rest(ctx context.Context, id string, h *schema.Holder, parted schema.Status) (schema.Status, error) {
	if parted == schema.StatusNotHeld || len(h.Sessions) == 0 {
		m := schema.Release{Name: id, Client: h.Client, Token: h.Token}
		if len(h.Sessions) > 0 {
			m.Session = c.leaf.Session()
		}
		reply, err := c.once(ctx, c.realm, schema.VerbRelease, &m)
		if err != nil {
			return "", err
		}
		if reply.Status != schema.StatusKept {
			return decided(schema.VerbRelease, reply, schema.StatusReleased)
		}
	}
	ttl := c.server.config.TTL.Milliseconds()
	reply, err := c.call(ctx, c.realm, schema.VerbRenew, &schema.Renew{Name: id, Client: h.Client, Token: h.Token, TTL: &ttl})
	if err != nil {
		return "", err
	}
	if reply.Status == schema.StatusRenewed {
		return schema.StatusKept, nil
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
func (c *caller) forceUnlock(ctx context.Context, args []json.RawMessage) said {
	r, err := c.parse(args, true)
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
