package service

import (
	crand "crypto/rand"
	"math/rand/v2"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// acquire handles the verb acquire.
func (w *Worker) acquire(r request, m *schema.Acquire) {
	if r.caller.inbox == "" {
		return // nobody would hear of the grant
	}
	if m.Session == "" {
		w.acquireFor(r, m, lock.Session{}, nil)
		return
	}
	w.present(r, m.Session, func(s lock.Session, barred *schema.Reply) { w.acquireFor(r, m, s, barred) })
}

// acquireFor goes on with an acquire for a session, or none, or with what bars it.
func (w *Worker) acquireFor(r request, m *schema.Acquire, s lock.Session, barred *schema.Reply) {
	if barred != nil && m.Request == "" {
		w.reply(r.caller, barred)
		return
	}
	command := w.acquireCommand(&r, m)
	command.Session, command.Barred = s, barred
	if m.Name != "" {
		w.ask(schema.LockKey(r.realm, m.Name), command, r.caller)
		return
	}
	w.acquireAll(r, m.Names, command)
}

// acquireCommand is where what the caller left open is filled in.
func (w *Worker) acquireCommand(r *request, m *schema.Acquire) lock.Acquire {
	c := lock.Acquire{
		Client: r.client,
		Owner:  m.Owner,
		Mode:   m.Mode,
		Size:   m.Size,
		Wait:   m.Wait,
		Meta:   m.Meta,
		Fresh:  m.Fresh,
		Inbox:  lock.Inbox{Subject: r.caller.inbox, Encoding: r.caller.encoding},
		At:     w.wall().UnixMilli(),
	}
	if m.Request != "" {
		c.Attempt = lock.Identify(r.client, m.Request)
	} else {
		c.Attempt = lock.Attempt(rand.Uint64() | 1)
	}
	if c.Owner == "" {
		c.Owner = crand.Text()
	}
	if c.Mode == "" {
		c.Mode = schema.ModeExclusive
	}
	switch {
	case m.TTL != nil:
		c.TTL = *m.TTL
	case m.Session != "":
		c.DefaultTTL = true // none: the session is enough
	default:
		c.TTL, c.DefaultTTL = w.config.DefaultTTL.Milliseconds(), true
	}
	return c
}

// releaseHold handles the verb release.
func (w *Worker) releaseHold(r request, m *schema.Release) {
	command := lock.Release{
		Token: lock.Token(m.Token), Client: r.client, Owner: m.Owner, Named: r.named, Session: m.Session, Show: m.Show,
	}
	if m.Forget != "" {
		command.Forget = lock.Identify(r.client, m.Forget)
	}
	switch {
	case m.Name != "":
		w.ask(schema.LockKey(r.realm, m.Name), command, r.caller)
	case len(m.Names) > 0:
		w.releaseAll(r, len(m.Names), func(i int) (string, lock.Release) { return m.Names[i], command })
	default:
		w.releaseAll(r, len(m.Locks), func(i int) (string, lock.Release) {
			one := command
			one.Token = lock.Token(m.Locks[i].Token)
			return m.Locks[i].Name, one
		})
	}
}

// renew handles the verb renew.
func (w *Worker) renew(r request, m *schema.Renew) {
	command := lock.Renew{Token: lock.Token(m.Token), Client: r.client, Named: r.named}
	if m.TTL != nil {
		command.TTL, command.Given = *m.TTL, true
	}
	w.ask(schema.LockKey(r.realm, m.Name), command, r.caller)
}

// cancelAttempt handles the verb cancel. An attempt for several names that
// waits is noted under one of them, not always the one that the caller names.
func (w *Worker) cancelAttempt(r request, m *schema.Cancel) {
	attempt := lock.Identify(r.client, m.Request)
	command := lock.Cancel{Attempt: attempt}
	w.ask(schema.LockKey(r.realm, m.Name), command, caller{report: func(reply *schema.Reply) {
		if lead := w.sets.lead(r.realm, attempt); lead != "" && reply.Status == schema.StatusNotHeld {
			w.ask(lead, command, r.caller)
			return
		}
		w.reply(r.caller, reply)
	}})
}

// force handles the verb force.
func (w *Worker) force(r request, m *schema.Force) {
	w.ask(schema.LockKey(r.realm, m.Name), lock.Force{Token: lock.Token(m.Token), Reason: m.Reason}, r.caller)
}
