package bus

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// seldomEvery is how often lines of one kind are written.
	seldomEvery = time.Second
	// seldomKinds bounds the kinds that are told apart at a time.
	seldomKinds = 64
)

// Seldom writes at most one line of a kind each second, so that nobody can fill
// a log by what he sends. Of those that follow the first within the second, the last
// is written when it is over, with the number of the others. The zero Seldom is
// ready.
type Seldom struct {
	mu    sync.Mutex
	kinds map[string]*seldomKind
}

// seldomKind is a kind of which a line was written within the last second.
type seldomKind struct {
	more int               // lines since
	last func(leftOut int) // writes the last of them
}

// Write calls line to write a line of the kind, now, within a second, or never.
func (s *Seldom) Write(kind string, line func(leftOut int)) {
	s.mu.Lock()
	if s.kinds == nil {
		s.kinds = map[string]*seldomKind{}
	}
	k := s.kinds[kind]
	if k == nil && len(s.kinds) >= seldomKinds {
		kind = ""
		k = s.kinds[kind]
	}
	if k != nil {
		k.more++
		k.last = line
		s.mu.Unlock()
		return
	}
	s.kinds[kind] = &seldomKind{}
	s.mu.Unlock()
	time.AfterFunc(seldomEvery, func() { s.over(kind) })
	line(0)
}

// over ends a second of the kind.
func (s *Seldom) over(kind string) {
	s.mu.Lock()
	k := s.kinds[kind]
	if k.more == 0 {
		delete(s.kinds, kind)
		s.mu.Unlock()
		return
	}
	line, leftOut := k.last, k.more-1
	*k = seldomKind{}
	s.mu.Unlock()
	time.AfterFunc(seldomEvery, func() { s.over(kind) })
	line(leftOut)
}

// SeldomLogger is a logger whose lines are Seldom written: those of one level and
// message are of one kind. The number of those left out is the attribute left_out.
// nil writes nothing.
func SeldomLogger(to *slog.Logger) *slog.Logger {
	if to == nil {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(seldomHandler{to.Handler(), new(Seldom)})
}

type seldomHandler struct {
	slog.Handler
	seldom *Seldom
}

func (h seldomHandler) Handle(ctx context.Context, r slog.Record) error {
	ctx = context.WithoutCancel(ctx)
	r = r.Clone()
	h.seldom.Write(r.Level.String()+r.Message, func(leftOut int) {
		if leftOut > 0 {
			r.AddAttrs(slog.Int("left_out", leftOut))
		}
		// A log that cannot be written has nowhere to say so.
		_ = h.Handler.Handle(ctx, r)
	})
	return nil
}

func (h seldomHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return seldomHandler{h.Handler.WithAttrs(attrs), h.seldom}
}

func (h seldomHandler) WithGroup(name string) slog.Handler {
	return seldomHandler{h.Handler.WithGroup(name), h.seldom}
}
