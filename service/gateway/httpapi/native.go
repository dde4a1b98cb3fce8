package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strconv"

	"github.com/natslock/natslock/schema"
)

// anonymous is the client of callers who name none. Attempts need one, so that
// they can be repeated.
const anonymous = "http"

// decode reads the body into a request, and answers the call itself if that fails.
func (x *exchange) decode(m schema.Message) bool {
	body, ok := x.body()
	if !ok {
		return false
	}
	if err := schema.Decode(schema.JSON, body, m); err != nil {
		x.wrong(err)
		return false
	}
	switch m.(type) {
	case *schema.Renew, *schema.Force: // which know no session, and would pass it over
		if slices.Contains(schema.Unknown(schema.JSON, body, m), "session") {
			x.refuse(schema.StatusInvalid, sessionless)
			return false
		}
	}
	x.mention(body, m)
	return true
}

// mention logs, where everything is logged, which fields of a body were passed over, as
// the service does of what comes over NATS.
func (x *exchange) mention(body []byte, m schema.Message) {
	if !x.server.log.Enabled(x.r.Context(), slog.LevelDebug) {
		return
	}
	if unknown := schema.Unknown(schema.JSON, body, m); len(unknown) > 0 {
		x.server.log.Debug("call with fields that are not known, and ignored", "method", x.r.Method, "path", x.r.URL.Path, "fields", unknown)
	}
}

// wrong answers a request that makes no sense.
func (x *exchange) wrong(err error) {
	var refused *schema.Error
	if errors.As(err, &refused) {
		x.refuse(refused.Status, refused.Message)
		return
	}
	x.refuse(schema.StatusInvalid, err.Error())
}

// naming puts the name of the path into a request, where none or the same one is.
func (x *exchange) naming(name *string) bool {
	if *name != "" && *name != x.name {
		x.refuse(schema.StatusInvalid, "name: another than that of the path")
		return false
	}
	*name = x.name
	return true
}

// call makes a request that does not wait, and answers with its reply.
func (x *exchange) call(v schema.Verb, m schema.Request) {
	if err := m.Validate(); err != nil {
		x.wrong(err)
		return
	}
	reply, err := x.server.gateway.Once(x.r.Context(), x.realm, v, m)
	if err != nil {
		x.failed(err)
		return
	}
	_ = x.write(Code(reply.Status), reply) // who asks again is told the same
}

// acquire takes the lock of the path.
func (x *exchange) acquire() {
	var m schema.Acquire
	if !x.decode(&m) {
		return
	}
	if len(m.Names) > 0 {
		x.refuse(schema.StatusInvalid, "names: the path has the name; several are for …/locks")
		return
	}
	if x.naming(&m.Name) {
		x.attempt(&m)
	}
}

// acquireAll takes several locks.
func (x *exchange) acquireAll() {
	var m schema.Acquire
	if !x.decode(&m) {
		return
	}
	if len(m.Names) == 0 {
		x.refuse(schema.StatusInvalid, "names: required; for one lock its name is in the path")
		return
	}
	x.attempt(&m)
}

// sessionless is why a session is refused.
const sessionless = "session: not over HTTP, where nothing outlives a request; a hold lives by its ttl_ms"

// attempt makes an acquire, and answers with its reply. What it is granted is
// given back if nobody is there any more to take it.
func (x *exchange) attempt(m *schema.Acquire) {
	if m.Session != "" {
		x.refuse(schema.StatusInvalid, sessionless)
		return
	}
	if err := m.Validate(); err != nil {
		x.wrong(err)
		return
	}
	ctx, end, ok := x.patience(m)
	if !ok {
		return
	}
	defer end()
	if m.Client == "" {
		m.Client = anonymous
	}
	known := m.Request != "" // to who may send it again
	if !known {
		m.Request = x.server.requestID()
	}
	reply, sole, err := x.server.gateway.AcquireIn(ctx, x.realm, m)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil && x.r.Context().Err() == nil {
			err = cause
		}
		x.failed(err)
		return
	}
	if sole != "" && !known {
		x.server.soles.keep(reply.Token, sole)
	}
	x.deliver(m, reply, func() error { return x.write(Code(reply.Status), reply) })
}

// patience returns the context of an attempt. One that waits lets go when the
// gateway drains.
func (x *exchange) patience(m *schema.Acquire) (ctx context.Context, end func(), ok bool) {
	if m.Wait == 0 {
		return x.r.Context(), func() {}, true
	}
	waited := x.connection.Wait()
	if waited == nil {
		x.refuse(schema.StatusLimit, fmt.Sprintf("waiters: more than %d on one connection", x.server.door.Limits().Waiters))
		return nil, nil, false
	}
	ctx, stop := x.server.gateway.Waiting(x.r.Context(), m.Request != "")
	return ctx, func() { stop(); waited() }, true
}

// deliver writes the answer to an acquire. What was granted is given back if the
// caller has hung up before that, or it cannot be written. Once it is written the hold
// is the caller's, who may hang up as soon as it has read it.
func (x *exchange) deliver(m *schema.Acquire, reply *schema.Reply, write func() error) {
	if x.r.Context().Err() == nil && !x.connection.hungUp() && write() == nil {
		return
	}
	if reply.Status.OK() {
		x.server.gateway.GiveUp(x.realm, m)
	}
}

// release ends the hold that the query names.
func (x *exchange) release() {
	m := schema.Release{Name: x.name}
	query, ok := x.query()
	if !ok {
		return
	}
	if query.Has("session") {
		x.refuse(schema.StatusInvalid, sessionless)
		return
	}
	if query.Has("token") {
		token, err := strconv.ParseUint(query.Get("token"), 10, 64)
		if err != nil || token == 0 {
			x.refuse(schema.StatusInvalid, "token: want a whole number above 0")
			return
		}
		m.Token = token
	}
	m.Owner, m.Client = query.Get("owner"), query.Get("client")
	if m.Token == 0 && m.Owner == "" {
		x.refuse(schema.StatusInvalid, "token: required in the query, as in …/locks/NAME?token=N, or owner; a body is not read")
		return
	}
	if m.Client == "" {
		m.Client = anonymous
	}
	m.Forget = x.server.soles.take(m.Token)
	x.call(schema.VerbRelease, &m)
}

// query reads the parameters of the query, and answers the call itself if that fails.
func (x *exchange) query() (url.Values, bool) {
	query, err := url.ParseQuery(x.r.URL.RawQuery)
	if err != nil {
		x.refuse(schema.StatusInvalid, "query: "+err.Error())
		return nil, false
	}
	return query, true
}

func (x *exchange) renew() {
	var m schema.Renew
	switch {
	case !x.decode(&m) || !x.naming(&m.Name):
	case m.Token == 0:
		x.refuse(schema.StatusInvalid, `token: required in the body, as in {"token":N}; the query is not read`)
	default:
		x.call(schema.VerbRenew, &m)
	}
}

func (x *exchange) inspect() { x.call(schema.VerbInspect, &schema.Inspect{Name: x.name}) }

func (x *exchange) list() {
	query, ok := x.query()
	if !ok {
		return
	}
	m := schema.List{Prefix: query.Get("prefix"), Cursor: query.Get("cursor")}
	if text := query.Get("limit"); text != "" {
		limit, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			x.refuse(schema.StatusInvalid, "limit: want a whole number")
			return
		}
		m.Limit = &limit
	}
	x.call(schema.VerbList, &m)
}

func (x *exchange) force() {
	var m schema.Force
	if x.decode(&m) && x.naming(&m.Name) {
		x.call(schema.VerbForce, &m)
	}
}
