package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// Names of the micro service, as `nats micro ls` shows them.
const (
	serviceName = "natslock"
	queueGroup  = "natslock"
)

// request is a request that has been decoded and found to make sense.
type request struct {
	realm  string
	client string // who is calling
	named  bool   // by its subject, which NATS permissions vouch for
	caller caller
}

// serviceConfig lists the endpoints: each verb has one for callers that name
// themselves and one for callers named by the subject.
func (w *Worker) serviceConfig() bus.ServiceConfig {
	config := bus.ServiceConfig{
		Name:        serviceName,
		Version:     w.config.Version,
		Description: "distributed locks with fencing tokens",
		Queue:       queueGroup,
		Local:       w.config.Local,
	}
	handlers := map[schema.Verb]func(*bus.Request){
		schema.VerbAcquire:   endpoint(w, schema.VerbAcquire, w.acquire, func(m *schema.Acquire) *string { return &m.Client }),
		schema.VerbRelease:   endpoint(w, schema.VerbRelease, w.releaseHold, func(m *schema.Release) *string { return &m.Client }),
		schema.VerbRenew:     endpoint(w, schema.VerbRenew, w.renew, func(m *schema.Renew) *string { return &m.Client }),
		schema.VerbCancel:    endpoint(w, schema.VerbCancel, w.cancelAttempt, func(m *schema.Cancel) *string { return &m.Client }),
		schema.VerbInspect:   endpoint(w, schema.VerbInspect, w.inspect, func(m *schema.Inspect) *string { return &m.Client }),
		schema.VerbList:      endpoint(w, schema.VerbList, w.list, func(m *schema.List) *string { return &m.Client }),
		schema.VerbKeepalive: endpoint(w, schema.VerbKeepalive, w.keepalive, func(m *schema.Keepalive) *string { return &m.Client }),
		schema.VerbLeave:     endpoint(w, schema.VerbLeave, w.leave, func(m *schema.Leave) *string { return &m.Client }),
		schema.VerbForce:     endpoint(w, schema.VerbForce, w.force, func(m *schema.Force) *string { return &m.Client }),
	}
	for _, verb := range schema.Verbs() {
		handler, ok := handlers[verb]
		if !ok {
			continue
		}
		plain, named := schema.RequestPatterns(verb)
		config.Endpoints = append(config.Endpoints,
			bus.Endpoint{Name: string(verb), Subject: plain, Handler: handler},
			bus.Endpoint{Name: string(verb) + "-as", Subject: named, Handler: handler})
	}
	return config
}

// message is a request's message: *M with its methods.
type message[M any] interface {
	*M
	schema.Request
}

// endpoint makes the handler of a verb: only what makes sense is handled.
func endpoint[M any, P message[M]](w *Worker, verb schema.Verb, handle func(request, *M), client func(*M) *string) func(*bus.Request) {
	return func(r *bus.Request) {
		if r.Given == nil && r.Reply != "" && !bus.SafeInbox(r.Reply) {
			w.log.Debug("request whose reply subject is not one to publish to", "subject", r.Subject, "reply", r.Reply)
			return
		}
		if r.Behind {
			refused := behind().reply()
			r.CountError(refused.Message)
			w.reply(callerOf(r, verb), refused)
			return
		}
		var m M
		if given, ok := r.Given.(P); ok {
			m = *given
		}
		q, refused := open(verb, r, P(&m), func() *string { return client(&m) })
		if refused != nil {
			r.CountError(refused.Message)
			w.reply(q.caller, refused)
			return
		}
		w.mention(r, q.caller.encoding, func() schema.Message { return P(new(M)) })
		handle(q, &m)
	}
}

// mention logs, where everything is logged, which fields of a request were passed
// over: the protocol ignores them, but whoever misspelled one wonders.
func (w *Worker) mention(r *bus.Request, e schema.Encoding, zero func() schema.Message) {
	if r.Given != nil || !w.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	if unknown := schema.Unknown(e, r.Body, zero()); len(unknown) > 0 {
		w.log.Debug("request with fields that are not known, and ignored", "subject", r.Subject, "fields", unknown)
	}
}

// callerOf is who waits for the answer to r.
func callerOf(r *bus.Request, verb schema.Verb) caller {
	encoding := schema.MessagePack
	if r.Given == nil {
		encoding = schema.Detect(r.ContentType, r.Body)
	}
	return caller{inbox: r.Reply, encoding: encoding, verb: verb, asked: r.Came}
}

// open decodes a request, checks who is calling, and checks what is asked.
func open(verb schema.Verb, r *bus.Request, m schema.Request, client func() *string) (q request, refused *schema.Reply) {
	q.caller = callerOf(r, verb)
	address, err := schema.ParseSubject(r.Subject)
	if err != nil {
		return q, fault(err)
	}
	if r.Given == nil {
		if err := schema.Decode(q.caller.encoding, r.Body, m); err != nil {
			return q, fault(err)
		}
	}
	who := client()
	if address.Named {
		if *who != "" && *who != address.Client {
			return q, refusal{schema.StatusDenied, "client: the subject names another client"}.reply()
		}
		*who = address.Client
	}
	if r.Given == nil { // a Client hands over only what is valid
		if err := m.Validate(); err != nil {
			return q, fault(err)
		}
	}
	q.realm, q.client, q.named = address.Realm, *who, address.Named
	return q, nil
}

// fault is the reply to a request that schema refused.
func fault(err error) *schema.Reply {
	var e *schema.Error
	if errors.As(err, &e) {
		return refusal{e.Status, e.Message}.reply()
	}
	return refusal{schema.StatusInternal, err.Error()}.reply()
}

// ask queues a command for a caller.
func (w *Worker) ask(key string, command lock.Command, c caller) {
	if !w.flights.admit() {
		w.reply(c, busy().reply())
		return
	}
	asked := c.asked
	if asked.IsZero() { // it is part of something larger
		asked = time.Now()
	}
	w.submit(key, &job{command: command, caller: c, asked: asked, ended: w.decided})
}

// behind refuses a request unread, because they come faster than they are read.
func behind() refusal {
	return refusal{schema.StatusLimit, "requests come faster than they can be read; try again in a moment"}
}

// busy refuses a request because too many are being decided.
func busy() refusal {
	return refusal{schema.StatusLimit, fmt.Sprintf("%d requests are being decided already; try again in a moment", maxRequests)}
}
