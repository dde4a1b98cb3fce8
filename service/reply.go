package service

import (
	"sync"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// refusal is an answer that no lock has given.
type refusal struct {
	status  schema.Status
	message string
}

// storeAway is the answer while the store does not decide.
func storeAway(err error) refusal {
	return refusal{schema.StatusUnavailable, "the store does not decide (" + err.Error() + "); repeat the same request"}
}

func (r refusal) reply() *schema.Reply {
	return &schema.Reply{Status: r.status, Message: r.message}
}

// buffers holds encoding buffers: a published body is copied before Publish
// returns.
var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

// maxBuffer is the largest buffer that is kept, in bytes.
const maxBuffer = 64 << 10

func putBuffer(b *[]byte) {
	if cap(*b) <= maxBuffer {
		buffers.Put(b)
	}
}

// reply sends reply to a caller.
func (w *Worker) reply(c caller, reply *schema.Reply) { w.replyWith(c, reply, undo{}) }

// replyWith sends a reply that is undone so when nobody listens.
func (w *Worker) replyWith(c caller, reply *schema.Reply, u undo) {
	if c.report != nil {
		c.report(reply)
		return
	}
	w.meter.answered(c.verb, reply.Status, c.asked)
	if c.inbox == "" || w.hand(c.inbox, reply) {
		return
	}
	buffer := buffers.Get().(*[]byte)
	defer putBuffer(buffer)
	body := schema.Append((*buffer)[:0], c.encoding, reply)
	if len(body) > schema.MaxReply {
		reply = &schema.Reply{Status: schema.StatusLimit, Message: "the reply would be larger than 512 KiB; ask for fewer names"}
		body = schema.Append(body[:0], c.encoding, reply)
	}
	*buffer = body
	r := bus.Response{ContentType: c.encoding.ContentType(), Body: body, Undo: w.undoSubject(u)}
	if reply.Status.Fault() {
		r.Code, r.Message = string(reply.Status), reply.Message
	}
	if err := bus.Respond(w.nc, c.inbox, r); err != nil {
		// The caller repeats its request; its connection or ours is gone.
		w.log.Debug("reply not sent", "inbox", c.inbox, "status", reply.Status, "err", err)
	}
}

// fewHolders are no more than fit into a reply.
const fewHolders = schema.MaxReply / (2 * schema.MaxMeta)

// hand hands a reply to a caller in this process, and reports whether it is one. What
// might be too large is to be encoded, which shows it.
func (w *Worker) hand(inbox string, reply *schema.Reply) bool {
	if len(reply.Locks) > 0 || len(reply.Sessions) > 0 || len(reply.Holders) > fewHolders {
		return false
	}
	return w.config.Local.Answer(inbox, reply)
}

// waiter is the caller of an acquire that has waited.
func waiter(inbox lock.Inbox) caller {
	return caller{inbox: inbox.Subject, encoding: inbox.Encoding, verb: schema.VerbAcquire}
}

// grant tells waiting callers what was decided about them.
func (w *Worker) grant(a *actor, outcomes []lock.Outcome) {
	for i := range outcomes {
		for j := range outcomes[i].Answers {
			answer := &outcomes[i].Answers[j]
			answer.Reply.Name = a.name
			w.replyWith(waiter(answer.Inbox), &answer.Reply, undoOf(a, &answer.Reply, 0))
		}
	}
}

// announce tells everybody what happened. The times are for people: wall clocks
// of one machine or two.
func (w *Worker) announce(a *actor, outcomes []lock.Outcome) {
	for i := range outcomes {
		for j := range outcomes[i].Events {
			e := &outcomes[i].Events[j]
			w.meter.happened(e, w.wall())
			if subject := schema.EventSubject(a.realm, e.Type); w.config.Listening(subject) {
				w.publish(a, subject, e)
			}
		}
	}
}

func (w *Worker) publish(a *actor, subject string, e *lock.Event) {
	at := w.wall()
	event := schema.Event{
		Type: e.Type, Realm: a.realm, Name: a.name,
		Client: e.Client, Owner: e.Owner, Session: e.Session,
		Token: uint64(e.Token), Mode: e.Mode, Reason: string(e.Reason),
		Waited: between(e.QueuedAt, at.UnixMilli()), At: at,
	}
	if e.GrantedAt != 0 {
		event.Waited = between(e.QueuedAt, e.GrantedAt)
	}
	if e.Type != schema.EventGranted {
		event.Held = between(e.GrantedAt, at.UnixMilli())
	}
	w.events.push(subject, schema.Append(nil, schema.JSON, &event))
}

// between is the time from one wall clock instant to another, in milliseconds,
// or nil if the first is none.
func between(from, to int64) *int64 {
	if from == 0 {
		return nil
	}
	d := max(to-from, 0)
	return &d
}
