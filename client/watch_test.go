package client_test

import (
	"context"
	"errors"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

func TestWatchTellsWhatHappens(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(nil)
		ctx, cancel := context.WithCancel(t.Context())
		all := must[iter.Seq2[client.Event, error]](t)(c.Watch(ctx, nil))
		some := must[iter.Seq2[client.Event, error]](t)(c.Watch(ctx, &client.WatchOptions{
			Types: []schema.EventType{schema.EventGranted, schema.EventForced}, Prefix: "b",
		}))
		acquire(t, c, "a", client.NoRenew(), client.TTL(30*second))
		b := acquire(t, c, "bb")
		_, err := c.Force(t.Context(), "bb", &client.ForceOptions{Reason: "why not"})
		ok(t, err)
		time.AfterFunc(time.Minute, cancel)
		var got []schema.EventType
		for e, err := range all {
			ok(t, err)
			got = append(got, e.Type)
		}
		if len(got) != 4 || got[0] != schema.EventGranted || got[2] != schema.EventForced || got[3] != schema.EventExpired {
			t.Errorf("events %q", got)
		}
		n := 0
		for e, err := range some {
			if err != nil {
				break // ctx has ended
			}
			if n++; e.Token != b.Token() {
				t.Errorf("event %+v", e)
			}
		}
		if n > 2 { // what was not read when ctx ended may be left unread
			t.Errorf("%d events", n)
		}
	})
}

func TestWatchSaysThatEventsMayBeMissing(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, nil))
		events := must[iter.Seq2[client.Event, error]](t)(c.Watch(t.Context(), nil))
		time.AfterFunc(second, func() { ok(t, nc.ForceReconnect()) })
		time.AfterFunc(time.Minute, func() { ok(t, c.Close()) })
		var got []error
		for _, err := range events {
			got = append(got, err)
		}
		if len(got) != 1 || !errors.Is(got[0], client.ErrLagged) {
			t.Errorf("got %v", got)
		}
	})
}

func TestWatchThatIsTooSlowSaysSo(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := respond(t, func(asked) {})
		c := s.Client(nil)
		events := must[iter.Seq2[client.Event, error]](t)(c.Watch(t.Context(), nil))
		worker := s.worker
		body := schema.Append(nil, schema.JSON, &schema.Event{Type: schema.EventGranted, Name: "a"})
		for range 10_000 {
			ok(t, worker.Publish(schema.EventSubject("default", schema.EventGranted), body))
		}
		ok(t, worker.Flush())
		synctest.Wait()
		ok(t, worker.Publish(schema.EventSubject("default", schema.EventGranted), []byte("?")))
		n, lagged := 0, 0
		for _, err := range events {
			switch {
			case errors.Is(err, client.ErrLagged):
				lagged++
			case err != nil:
				wantErr(t, err, client.ErrInternal)
			default:
				n++
			}
		}
		if n == 0 || n > 5000 || lagged == 0 {
			t.Errorf("%d events, lagged %d times", n, lagged)
		}
	})
}

func TestWatchEndsWithTheLoopAndTheConnection(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		nc := s.Conn()
		c := must[*client.Client](t)(client.New(nc, nil))
		subscriptions := nc.NumSubscriptions()
		events := must[iter.Seq2[client.Event, error]](t)(c.Watch(t.Context(), nil))
		acquire(t, c, "a")
		for _, err := range events {
			ok(t, err)
			break
		}
		synctest.Wait()
		if n := nc.NumSubscriptions(); n != subscriptions {
			t.Errorf("%d subscriptions, %d before", n, subscriptions)
		}
		events = must[iter.Seq2[client.Event, error]](t)(c.Watch(t.Context(), nil))
		nc.Close()
		for _, err := range events {
			wantErr(t, err, client.ErrUnavailable)
		}
		wantErr(t, c.Close(), client.ErrUnavailable)
	})
}
