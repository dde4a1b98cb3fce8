package service

import (
	"time"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
	"github.com/natslock/natslock/service/presence"
)

// keepalive handles the verb keepalive.
func (w *Worker) keepalive(r request, m *schema.Keepalive) {
	c := presence.Keepalive{
		Client: r.client, Named: r.named, TTL: m.TTL, Grace: m.Grace, Server: m.Server,
		Create: m.Create, Epoch: m.Epoch, N: m.N,
		DefaultTTL: w.config.SessionTTL.Milliseconds(), DefaultGrace: w.config.ReconnectGrace.Milliseconds(),
		At: w.wall().UnixMilli(),
	}
	if m.CID != nil {
		c.CID = *m.CID
	}
	w.notify(r, m.Session, c, func(_ presence.Record, reply schema.Reply) { w.reply(r.caller, &reply) })
}

// leave handles the verb leave.
func (w *Worker) leave(r request, m *schema.Leave) {
	id, leaf := schema.SplitSession(m.Session)
	told := func(_ presence.Record, reply schema.Reply) {
		if reply.Status == schema.StatusOK && reply.Count == nil {
			reply.Count = new(int64)
		}
		w.reply(r.caller, &reply)
	}
	if leaf == "" {
		w.notify(r, id, presence.Leave{Client: r.client, Named: r.named, Epoch: m.Epoch}, told)
		return
	}
	w.notify(r, id, nil, func(p presence.Record, _ schema.Reply) {
		switch refused := presence.Admit(p, presence.Record{}, r.client, r.named); {
		case refused == nil && m.Epoch != 0 && m.Epoch != p.Epoch:
			told(p, schema.Reply{Status: schema.StatusOK})
		case refused == nil:
			w.notify(r, m.Session, presence.LeaveLeaf{Presence: p}, told)
		case refused.Status == schema.StatusDenied:
			w.reply(r.caller, refused)
		default: // with its presence it has ended already, or was never there
			told(p, schema.Reply{Status: schema.StatusOK})
		}
	})
}

// notify queues a command for a session, for a caller. A nil command asks how
// the session stands.
func (w *Worker) notify(r request, id string, c presence.Command, told func(presence.Record, schema.Reply)) {
	if !w.flights.admit() {
		w.reply(r.caller, busy().reply())
		return
	}
	w.sessions.submit(id, &notice{
		command: c,
		asked:   time.Now(),
		leaves:  r.caller.verb == schema.VerbLeave,
		told: func(record presence.Record, reply schema.Reply) {
			w.flights.decided()
			told(record, reply)
		},
		refused: func(why refusal) {
			w.flights.decided()
			w.reply(r.caller, why.reply())
		},
	})
}

// present finds the session of an acquire, and lets the acquire go on with it, or
// with what bars it. What this worker knows is enough to go on: if the session has
// ended meanwhile, the lock it gets is released again. What bars it rests on what
// the leader says, and does not matter to a repeat.
func (w *Worker) present(r request, session string, next func(s lock.Session, barred *schema.Reply)) {
	if s, barred := w.sessions.admit(r, session); barred == nil {
		next(s, nil)
		return
	}
	id, leaf := schema.SplitSession(session)
	judge := func(presence.Record, schema.Reply) { next(w.sessions.admit(r, session)) }
	w.notify(r, id, nil, func(p presence.Record, reply schema.Reply) {
		if leaf == "" || p.State != presence.Open {
			judge(p, reply)
			return
		}
		w.notify(r, session, nil, judge)
	})
}

// admit is presence.Admit for what this worker knows.
func (t *sessions) admit(r request, id string) (s lock.Session, refused *schema.Reply) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var p, leaf presence.Record
	owner, _ := schema.SplitSession(id)
	if known := t.known[owner]; known != nil {
		p = known.record
	}
	if known := t.known[id]; id != owner && known != nil {
		leaf = known.record
	}
	if refused := presence.Admit(p, leaf, r.client, r.named); refused != nil {
		return s, refused
	}
	s = lock.Session{ID: id, Client: p.Client, Epoch: p.Epoch, TTL: p.TTL, Grace: p.Grace, Change: p.Change}
	if p.Change > 0 {
		s.N = p.N
	}
	return s, nil
}
