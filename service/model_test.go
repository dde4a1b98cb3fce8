package service_test

import (
	"fmt"
	"slices"

	"github.com/anishathalye/porcupine"

	"github.com/natslock/natslock/schema"
)

// step is one request of a history, and what it was told.
type step struct {
	name    string
	message schema.Message
	attempt string // of an acquire or cancel
	retried bool   // it may have been decided more than once: not_held may be said of what it ended itself
	reply   *schema.Reply
}

// holding is one hold in the model.
type holding struct {
	token   uint64 // 0 is unknown
	owner   string
	attempt string
}

// lockModel is a lock as its callers believe it to be: the sequential object
// that every history has to be explained by. It knows no queue; that a waiter is
// let in at the right time is that nobody was refused who should not be.
type lockModel struct {
	mode  schema.Mode
	size  int64
	last  uint64 // the largest token granted
	holds []holding
}

var model = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byName := map[string][]porcupine.Operation{}
		for _, o := range history {
			name := o.Input.(*step).name
			byName[name] = append(byName[name], o)
		}
		var parts [][]porcupine.Operation
		for _, part := range byName {
			parts = append(parts, part)
		}
		return parts
	},
	Init: func() any { return lockModel{} },
	Step: func(state, input, _ any) (bool, any) {
		m := state.(lockModel)
		m.holds = slices.Clone(m.holds)
		ok := m.apply(input.(*step))
		return ok, m
	},
	Equal: func(a, b any) bool {
		x, y := a.(lockModel), b.(lockModel)
		return x.mode == y.mode && x.size == y.size && x.last == y.last && slices.Equal(x.holds, y.holds)
	},
	DescribeOperation: func(input, _ any) string {
		s := input.(*step)
		return fmt.Sprintf("%s %+v: %s %d", verbOf(s.message), s.message, s.reply.Status, s.reply.Token)
	},
	DescribeState: func(state any) string { return fmt.Sprintf("%+v", state) },
}

// apply lets s happen, and reports whether that explains what it was told.
func (m *lockModel) apply(s *step) bool {
	switch message := s.message.(type) {
	case *schema.Acquire:
		return m.acquire(s, message)
	case *schema.Release:
		return m.end(s, m.byToken(message.Token), schema.StatusReleased)
	case *schema.Cancel:
		i := slices.IndexFunc(m.holds, func(h holding) bool { return h.attempt == s.attempt })
		return s.reply.Status == schema.StatusCanceled || m.end(s, i, schema.StatusReleased)
	case *schema.Renew:
		return (m.byToken(message.Token) >= 0) == (s.reply.Status == schema.StatusRenewed)
	case *schema.Force:
		return m.force(s)
	case *schema.Inspect:
		return m.shows(s.reply.Locks[0].Holders)
	}
	return false
}

func (m *lockModel) acquire(s *step, a *schema.Acquire) bool {
	mode := a.Mode
	if mode == "" {
		mode = schema.ModeExclusive
	}
	mine := slices.IndexFunc(m.holds, func(h holding) bool { return h.owner == a.Owner })
	switch s.reply.Status {
	case schema.StatusGranted, schema.StatusNotHeld:
		// Not held: it was granted, and ended before anybody could be told of it.
		// Nobody knows the token.
		granted := s.reply.Status == schema.StatusGranted
		fits := len(m.holds) == 0 || mode == schema.ModeShared && m.mode == mode && m.size == a.Size &&
			(m.size == 0 || int64(len(m.holds)) < m.size)
		if !fits || mine >= 0 || granted && s.reply.Token <= m.last {
			return false
		}
		m.mode, m.size, m.last = mode, a.Size, max(m.last, s.reply.Token)
		m.holds = append(m.holds, holding{s.reply.Token, a.Owner, s.attempt})
		return true
	case schema.StatusAlready:
		return mine >= 0 && m.holds[mine].token == s.reply.Token && m.mode == mode && m.size == a.Size
	case schema.StatusHeld:
		return len(m.holds) > 0 && mine < 0
	case schema.StatusSizeMismatch:
		return len(m.holds) > 0 && (m.mode != mode || m.size != a.Size)
	case schema.StatusTimeout, schema.StatusCanceled:
		return true
	}
	return false
}

// end ends hold i, if there is one.
func (m *lockModel) end(s *step, i int, ended schema.Status) bool {
	if i < 0 {
		return s.reply.Status == schema.StatusNotHeld
	}
	m.holds = slices.Delete(m.holds, i, i+1)
	return s.reply.Status == ended || s.retried && s.reply.Status == schema.StatusNotHeld
}

func (m *lockModel) force(s *step) bool {
	if s.reply.Status == schema.StatusNotHeld {
		return len(m.holds) == 0
	}
	ok := m.shows(s.reply.Holders)
	m.holds = nil
	return ok
}

// shows reports whether the holders are those of the model, in order of grant.
func (m *lockModel) shows(holders []schema.Holder) bool {
	return slices.EqualFunc(m.holds, holders, func(h holding, shown schema.Holder) bool {
		return (h.token == shown.Token || h.token == 0) && h.owner == shown.Owner
	})
}

func (m *lockModel) byToken(token uint64) int {
	return slices.IndexFunc(m.holds, func(h holding) bool { return h.token == token })
}
