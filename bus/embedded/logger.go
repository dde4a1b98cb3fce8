package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// logger passes the server's log on. It is server.Logger, but a fatal error
// ends nobody: it is kept, and Start returns it.
type logger struct {
	to *slog.Logger

	mu  sync.Mutex
	err error
}

func newLogger(to *slog.Logger) *logger {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return &logger{to: to.With("from", "nats-server")}
}

func (l *logger) debugs() bool { return l.to.Enabled(context.Background(), slog.LevelDebug) }

// fatal is the first fatal error, if there was one.
func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

func (l *logger) Fatalf(format string, v ...any) {
	text := fmt.Sprintf(format, v...)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = errors.New("nats server: " + text)
	}
}

// Noticef says what the server does at start and stop: of no interest here,
// where natslock says it.
func (l *logger) Noticef(format string, v ...any) { l.log(slog.LevelDebug, format, v) }
func (l *logger) Warnf(format string, v ...any)   { l.log(slog.LevelWarn, format, v) }
func (l *logger) Errorf(format string, v ...any)  { l.log(slog.LevelError, format, v) }
func (l *logger) Debugf(format string, v ...any)  { l.log(slog.LevelDebug, format, v) }
func (l *logger) Tracef(format string, v ...any)  { l.log(slog.LevelDebug, format, v) }

func (l *logger) log(level slog.Level, format string, v []any) {
	if l.to.Enabled(context.Background(), level) {
		l.to.Log(context.Background(), level, fmt.Sprintf(format, v...))
	}
}
