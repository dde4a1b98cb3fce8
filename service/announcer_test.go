package service_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// stuckEvents is a connection whose server reads nothing until it is let go.
type stuckEvents struct {
	read   chan struct{}
	events chan string
}

func (s *stuckEvents) Publish(_ string, body []byte) error {
	<-s.read
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return err
	}
	s.events <- e.Type + " " + e.Name
	return nil
}

func (s *stuckEvents) FlushWithContext(context.Context) error {
	<-s.read
	return nil
}

// Events that cannot be told to all who listen hold up nobody; the newest are kept, in order.
func TestLocksAnswerWhileEventsAreStuck(t *testing.T) {
	inBubbleOf(t, 0, func(b *bubble) {
		const pairs, room = 300, 100
		b.tune = func(w *service.Worker) { w.KeepEvents(room) }
		stuck := &stuckEvents{read: make(chan struct{}), events: make(chan string, 2*pairs)}
		registry := prometheus.NewRegistry()
		b.start(b.store, &service.Config{Events: stuck, Metrics: registry})
		all := b.listen()
		begin := time.Now()
		for i := range pairs {
			name := fmt.Sprint(i)
			all.send(&schema.Acquire{Name: name, Client: "x", Owner: "o"})
			all.want(schema.StatusGranted)
			all.send(&schema.Release{Name: name, Client: "x", Owner: "o"})
			all.want(schema.StatusReleased)
		}
		if took := time.Since(begin); took > time.Second {
			t.Errorf("it took %s", took)
		}
		b.settle()
		close(stuck.read)
		b.settle()
		close(stuck.events)
		list := make([]string, 0, 2*pairs)
		for e := range stuck.events {
			list = append(list, e)
		}
		// One was on its way already.
		lost := 2*pairs - room - 1
		if len(list) != room+1 {
			t.Fatalf("%d events, want %d", len(list), room+1)
		}
		want := fmt.Sprintf("# HELP natslock_events_dropped_total Events that were not published: they came faster than they could be told to all who listen, or the connection was gone.\n"+
			"# TYPE natslock_events_dropped_total counter\nnatslock_events_dropped_total %d\n", lost)
		if err := testutil.GatherAndCompare(registry, strings.NewReader(want), "natslock_events_dropped_total"); err != nil {
			t.Error(err)
		}
		for i, e := range list[1:] {
			at := lost + 1 + i
			if want := []string{"granted", "released"}[at%2] + " " + fmt.Sprint(at/2); e != want {
				t.Fatalf("event %d is %q, want %q", at, e, want)
			}
		}
	})
}
