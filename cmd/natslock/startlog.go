package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/natslock/natslock/cmd/natslock/text"
)

// startLog keeps back what is logged while the service starts: a failed start
// prints one line, which says why, and nothing else. Once it is opened, what was
// kept and what comes passes. On a terminal a line says meanwhile, when it takes
// long, what is waited for, and goes when that is over. Elsewhere what was kept
// passes when the start goes on for longer than it may fail.
type startLog struct {
	w    io.Writer
	room int // columns of the terminal; 0 is none

	mu    sync.Mutex
	open  bool
	kept  []func() error
	last  string // what was logged last
	shown bool   // the line on the terminal
}

// startPatience is how long a start takes before the terminal says that it
// does, and how often it says so.
const startPatience = 2 * time.Second

func newStartLog(w io.Writer) *startLog {
	l := &startLog{w: w, last: "it takes a while"}
	if isTerminal(w) {
		l.room = columns(w)
		if l.room == 0 {
			l.room = 80
		}
	}
	return l
}

// handler passes what is logged on to another, or keeps it.
func (l *startLog) handler(to slog.Handler) slog.Handler { return &startHandler{l, to} }

// wait shows that the start goes on, until ctx ends.
func (l *startLog) wait(ctx context.Context) {
	tick := time.NewTicker(startPatience)
	defer tick.Stop()
	long := time.NewTimer(2 * storePatience)
	defer long.Stop()
	for {
		select {
		case <-tick.C:
			l.show()
		case <-long.C:
			l.pass()
		case <-ctx.Done():
			return
		}
	}
}

func (l *startLog) show() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open || l.room == 0 {
		return
	}
	l.shown = true
	_, _ = fmt.Fprint(l.w, "\r\x1b[K"+text.Cut(text.Printable("natslock: not ready yet: "+l.last), l.room-1))
}

// end takes the line off the terminal, for good.
func (l *startLog) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clearLocked()
	l.room = 0
}

func (l *startLog) clearLocked() {
	if l.shown {
		_, _ = fmt.Fprint(l.w, "\r\x1b[K")
	}
	l.shown = false
}

// pass lets through what was kept, and all that comes.
func (l *startLog) pass() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		return
	}
	l.clearLocked()
	l.open = true
	for _, log := range l.kept {
		_ = log() // standard error is gone: there is nobody to tell
	}
	l.kept = nil
}

// keep keeps a record, unless the log is open.
func (l *startLog) keep(r slog.Record, log func() error) (kept bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.open {
		return false
	}
	l.kept = append(l.kept, log)
	if l.last = r.Message; r.Level >= slog.LevelWarn {
		r.Attrs(func(a slog.Attr) bool {
			if a.Key == "error" || a.Key == "err" {
				l.last += ": " + a.Value.String()
			}
			return true
		})
	}
	return true
}

// startHandler is the handler of a startLog.
type startHandler struct {
	*startLog
	to slog.Handler
}

func (h *startHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.to.Enabled(ctx, level)
}

func (h *startHandler) Handle(ctx context.Context, r slog.Record) error {
	if h.keep(r, func() error { return h.to.Handle(context.WithoutCancel(ctx), r.Clone()) }) {
		return nil
	}
	return h.to.Handle(ctx, r)
}

func (h *startHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &startHandler{h.startLog, h.to.WithAttrs(attrs)}
}

func (h *startHandler) WithGroup(name string) slog.Handler {
	return &startHandler{h.startLog, h.to.WithGroup(name)}
}
