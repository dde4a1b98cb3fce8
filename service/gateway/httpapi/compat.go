package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/natslock/natslock/schema"
)

// The three calls of an older lock server, in the words of its clients. A uid is
// client and owner, a version the token. There are two shapes of the answer to
// /lock; both are given.

// locked is the answer to /lock.
type locked struct {
	lockedShape
	Lock lockedShape `json:"lock"`
}

type lockedShape struct {
	Tokens []lockKey `json:"tokens,omitempty"`
	Error  string    `json:"error,omitempty"`
}

// handleError is the answer to what cannot be done.
type handleError struct {
	Message string `json:"message"`
	Name    string `json:"name"`
	Type    string `json:"type"`
}

// tell answers a compatible call.
func (x *exchange) tell(code int, answer any) error {
	body, err := json.Marshal(answer)
	if err != nil {
		return err
	}
	return x.send(code, isUTF8JSON, body)
}

func (x *exchange) tellError(code int, kind, message string) {
	_ = x.tell(code, handleError{Message: message, Name: "HandleError", Type: kind}) // nobody is left to be told
}

// badRequest answers a compatible call that makes no sense.
func (x *exchange) badRequest(err error) {
	x.tellError(http.StatusBadRequest, "BAD_REQUEST", err.Error())
}

// tellStatus answers a compatible call that the service has refused.
func (x *exchange) tellStatus(s schema.Status, message string) {
	x.tellError(Code(s), strings.ToUpper(string(s)), message)
}

// form reads the body, and answers the call itself if that fails.
func (x *exchange) form() (form, bool) {
	body, err := x.read()
	if err != nil {
		code, message := x.unread(err)
		x.tellError(code, "BAD_REQUEST", message)
		return form{}, false
	}
	f, err := parseForm(x.r.Header.Get("Content-Type"), body)
	if err != nil {
		x.badRequest(err)
		return form{}, false
	}
	return f, true
}

// ask makes a request in the realm of the compatible calls, and answers the call
// itself if that fails.
func (x *exchange) ask(ctx context.Context, v schema.Verb, m schema.Message) (*schema.Reply, bool) {
	reply, err := x.server.gateway.Once(ctx, x.server.config.Realm, v, m)
	switch {
	case err == nil:
		return reply, true
	case x.r.Context().Err() == nil:
		x.tellStatus(replyOf(err))
	}
	return nil, false
}

// lock takes locks, all or none.
func (x *exchange) lock() {
	f, ok := x.form()
	if !ok {
		return
	}
	m, err := f.lock(&x.server.config)
	if err != nil {
		x.badRequest(err)
		return
	}
	m.Request = x.server.requestID()
	reply, ok := x.ask(x.r.Context(), schema.VerbAcquire, m)
	if !ok {
		return
	}
	x.realm = x.server.config.Realm
	x.deliver(m, reply, func() error { return x.tellLock(m, reply) })
}

// lock is the request of a /lock.
func (f *form) lock(cfg *Config) (*schema.Acquire, error) {
	uid, err := f.uid()
	if err != nil {
		return nil, err
	}
	keys, err := f.keys()
	if err != nil {
		return nil, err
	}
	ttl, err := f.exp(cfg.DefaultExpiry)
	if err != nil {
		return nil, err
	}
	m := &schema.Acquire{Client: uid, Owner: uid, TTL: &ttl, Names: keys}
	if len(keys) == 1 {
		m.Name, m.Names = keys[0], nil
	}
	return m, nil
}

// tellLock answers a /lock.
func (x *exchange) tellLock(m *schema.Acquire, reply *schema.Reply) error {
	var shape lockedShape
	switch reply.Status {
	case schema.StatusGranted, schema.StatusAlready:
		if m.Name != "" {
			shape.Tokens = []lockKey{{m.Name, reply.Token}}
		}
		for _, l := range reply.Locks {
			shape.Tokens = append(shape.Tokens, lockKey{l.Name, l.Token})
		}
	case schema.StatusHeld, schema.StatusSizeMismatch, schema.StatusTimeout, schema.StatusNotHeld, schema.StatusCanceled:
		shape.Error = "locked"
	default:
		x.tellStatus(reply.Status, reply.Message)
		return nil
	}
	return x.tell(http.StatusOK, locked{shape, shape})
}

// unlock gives back the locks whose holder and version are as told.
func (x *exchange) unlock() {
	f, ok := x.form()
	if !ok {
		return
	}
	uid, err := f.uid()
	if err != nil {
		x.badRequest(err)
		return
	}
	tokens, err := f.tokens()
	if err != nil {
		x.badRequest(err)
		return
	}
	states, ok := x.states(names(tokens))
	if !ok {
		return
	}
	unlocked := []string{}
	if m := heldBy(uid, tokens, states); len(m.Locks) > 0 {
		reply, ok := x.ask(x.r.Context(), schema.VerbRelease, m)
		if !ok {
			return
		}
		if !reply.Status.OK() {
			x.tellStatus(reply.Status, reply.Message)
			return
		}
		for _, l := range reply.Locks {
			if l.Status == schema.StatusReleased {
				unlocked = append(unlocked, l.Name)
			}
		}
	}
	_ = x.tell(http.StatusOK, map[string]any{"unlocked": unlocked}) // who asks again is told the same
}

// names are the keys of tokens, each once.
func names(tokens []lockKey) (names []string) {
	for _, t := range tokens {
		if !slices.Contains(names, t.Key) {
			names = append(names, t.Key)
		}
	}
	return names
}

// heldBy is the release of those that a uid holds under the version that it tells.
// A version is one hold's for ever, so nothing else can be released by it.
func heldBy(uid string, tokens []lockKey, states []schema.LockState) *schema.Release {
	m := &schema.Release{Client: uid}
	for _, t := range tokens {
		i := slices.IndexFunc(states, func(l schema.LockState) bool { return l.Name == t.Key })
		if i < 0 || !slices.ContainsFunc(states[i].Holders, func(h schema.Holder) bool {
			return h.Client == uid && h.Owner == uid && h.Token == t.Version
		}) {
			continue
		}
		if hold := (schema.LockToken{Name: t.Key, Token: t.Version}); !slices.Contains(m.Locks, hold) {
			m.Locks = append(m.Locks, hold)
		}
	}
	return m
}

// states asks how locks stand, and answers the call itself if that fails.
func (x *exchange) states(names []string) ([]schema.LockState, bool) {
	reply, ok := x.ask(x.r.Context(), schema.VerbInspect, &schema.Inspect{Names: names})
	if ok && !reply.Status.OK() {
		x.tellStatus(reply.Status, reply.Message)
		return nil, false
	}
	if !ok {
		return nil, false
	}
	return reply.Locks, true
}

// check answers whether one of the locks is held.
func (x *exchange) check() {
	f, ok := x.form()
	if !ok {
		return
	}
	keys, err := f.keys()
	if err != nil {
		x.badRequest(err)
		return
	}
	states, ok := x.states(keys)
	if !ok {
		return
	}
	held := slices.ContainsFunc(states, func(l schema.LockState) bool { return l.Held != nil && *l.Held })
	_ = x.tell(http.StatusOK, map[string]any{"locked": held}) // who asks again is told the same
}

func (x *exchange) ping() {
	_ = x.send(http.StatusOK, isHTML, []byte("pong")) // who asks again is told the same
}
