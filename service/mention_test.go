package service_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// written is a log that can be read meanwhile.
type written struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *written) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(line)
}

func (w *written) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}

// A misspelled field is ignored, as the protocol has it, but can be found out.
func TestUnknownFieldsAreMentionedWhereAllIsLogged(t *testing.T) {
	for level, want := range map[slog.Level]bool{slog.LevelDebug: true, slog.LevelInfo: false} {
		inBubbleOf(t, 0, func(b *bubble) {
			var log written
			b.start(b.store, &service.Config{Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: level}))})
			subject := schema.RequestSubject(realm, schema.VerbAcquire, "")
			b.raw(subject, "", []byte(`{"name":"x","ttl_ms":5000}`))
			b.raw(subject, "", []byte(`{"name":"y","ttl":5000}`))
			b.unlock("z", b.lock(&schema.Acquire{Name: "z"})) // what was decoded is what is done
			b.settle()
			text := log.String()
			if got := strings.Contains(text, `subject=lock.`) && strings.Contains(text, "fields=[ttl]"); got != want {
				t.Errorf("%s: %s", level, text)
			}
			if strings.Count(text, "not known") > 1 {
				t.Errorf("%s", text)
			}
		})
	}
}
