package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"

	"github.com/natslock/natslock/bus"
)

// plaintext is a warning of the server about passwords in its configuration.
// Ours are in no file, and new at each start.
const plaintext = "Plaintext passwords detected"

// ends are what the server says when it can store nothing any more until it is
// started again.
var ends = []string{"critical write error", "will be DISABLED", "disabling JetStream"}

// logger passes the server's log on. It is server.Logger, but a fatal error
// ends nobody: it is kept, and Start returns it.
type logger struct {
	to     *slog.Logger
	seldom bus.Seldom
	failed chan error // what ended the store, once

	mu      sync.Mutex
	err     error
	warning string
}

func newLogger(to *slog.Logger) *logger {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return &logger{to: to.With("from", "nats-server"), failed: make(chan error, 1)}
}

func (l *logger) debugs() bool { return l.to.Enabled(context.Background(), slog.LevelDebug) }

// fatal is the first fatal error, if there was one.
func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// lastWarning is the last warning, for an error that the server tells nowhere else.
func (l *logger) lastWarning() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.warning
}

// Fatalf keeps the first fatal error.
func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = errors.New("nats server: " + fmt.Sprintf(format, v...))
	}
}

// Errorf logs, and tells Server.Failed of what ends the store.
func (l *logger) Errorf(format string, v ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, v...))
	l.log(slog.LevelError, text)
	l.notice(text)
}

// Warnf logs, keeps the last warning, and tells Server.Failed as Errorf does.
func (l *logger) Warnf(format string, v ...any) {
	text := strings.TrimSpace(fmt.Sprintf(format, v...))
	if strings.HasPrefix(text, plaintext) {
		return
	}
	l.mu.Lock()
	l.warning = text
	l.mu.Unlock()
	l.log(slog.LevelWarn, text)
	l.notice(text)
}

// sender is how the server begins what it says about a connection.
var sender = regexp.MustCompile(`^\S+ - \w+:\d+ - (?:"[^"]*" - )*`)

// kind is what a text says, without whom and what it says it about: that is
// behind the first quotation mark, digit or colon.
func kind(text string) string {
	text = text[len(sender.FindString(text)):]
	if end := strings.IndexAny(text, `":0123456789`); end >= 0 {
		text = text[:end]
	}
	return text
}

// log writes what callers may provoke with each message they send.
func (l *logger) log(level slog.Level, text string) {
	l.seldom.Write(level.String()+kind(text), func(leftOut int) {
		if leftOut > 0 {
			l.to.Log(context.Background(), level, text, "left_out", leftOut)
			return
		}
		l.to.Log(context.Background(), level, text)
	})
}

func (l *logger) notice(text string) {
	for _, end := range ends {
		if strings.Contains(text, end) {
			select {
			case l.failed <- errors.New("nats server: " + text):
			default:
			}
			return
		}
	}
}

// Noticef logs what the server does at start and stop at the level of debug:
// natslock has its own lines for that.
func (l *logger) Noticef(format string, v ...any) { l.debug(format, v) }

// Debugf logs.
func (l *logger) Debugf(format string, v ...any) { l.debug(format, v) }

// Tracef logs at the level of debug.
func (l *logger) Tracef(format string, v ...any) { l.debug(format, v) }

func (l *logger) debug(format string, v []any) {
	if l.debugs() {
		l.to.Debug(strings.TrimSpace(fmt.Sprintf(format, v...)))
	}
}
