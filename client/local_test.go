package client_test

import (
	"context"
	"testing"
	"time"

	"github.com/natslock/natslock/bus"
	"github.com/natslock/natslock/client"
	"github.com/natslock/natslock/client/clienttest"
	"github.com/natslock/natslock/schema"
)

// serveHere has acquires and releases in this process handed to f instead of to those who
// listen on NATS.
func serveHere(t *testing.T, s *responder, f func(local *bus.Local, inbox string, m any)) *bus.Local {
	t.Helper()
	local := new(bus.Local)
	handler := func(r *bus.Request) {
		if r.Given != nil {
			f(local, r.Reply, r.Given)
		}
	}
	service := must[*bus.Service](t)(bus.Serve(s.worker, bus.ServiceConfig{
		Name: "natslock", Version: "1.0.0", Queue: "near", Local: local,
		Endpoints: []bus.Endpoint{{Name: "acquire", Subject: "lock.*.acquire", Handler: handler}, {Name: "release", Subject: "lock.*.release", Handler: handler}},
	}))
	t.Cleanup(func() { ok(t, service.Stop()) })
	return local
}

func TestWhatTheServiceHereDoesNotDecideIsAskedElsewhere(t *testing.T) {
	for name, decide := range map[string]func(*bus.Local, string){
		"it says nothing": func(*bus.Local, string) {},
		"it cannot":       func(l *bus.Local, inbox string) { l.Answer(inbox, &schema.Reply{Status: schema.StatusUnavailable}) },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				var elsewhere []string
				s := respond(t, func(a asked) {
					if m, is := a.request.(*schema.Acquire); is {
						elsewhere = append(elsewhere, m.Request)
						a.answer(grant(a, 7))
					}
				})
				here := make(chan string, 10)
				local := serveHere(t, s, func(l *bus.Local, inbox string, m any) {
					if m, is := m.(*schema.Acquire); is {
						here <- m.Request
						decide(l, inbox)
					}
				})
				c := s.Client(&client.Options{TTL: time.Hour, Local: local})
				reply := must[*schema.Reply](t)(c.Call(t.Context(), schema.VerbAcquire, &schema.Acquire{Name: "a"}))
				if reply.Token != 7 || len(here) != 1 || len(elsewhere) != 1 || <-here != elsewhere[0] {
					t.Errorf("token %d, asked here %d times and elsewhere %q", reply.Token, len(here), elsewhere)
				}
			})
		})
	}
}

// However soon the time is over: not that of who watches what was handed over.
func TestWhoHandsOverWaitsNoLongerThanItsContext(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := respond(t, func(asked) {})
		local := serveHere(t, s, func(*bus.Local, string, any) {})
		c := s.Client(&client.Options{TTL: time.Hour, Local: local})
		for _, wait := range []time.Duration{1, bus.Prompt - 1, bus.Prompt, bus.Prompt + 1, 2 * bus.Prompt, 2*bus.Prompt + 1, 3 * bus.Prompt} {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			begin := time.Now()
			_, err := c.Call(ctx, schema.VerbAcquire, &schema.Acquire{Name: "a"})
			wantErr(t, err, context.DeadlineExceeded)
			if took := time.Since(begin); took != wait {
				t.Errorf("it took %s, not %s", took, wait)
			}
			cancel()
		}
	})
}

// What is handed over is as it would be after it was encoded, and the caller's own
// message is left alone.
func TestWhatIsHandedOverIsACopy(t *testing.T) {
	bubble(t, func(t *testing.T) {
		s := respond(t, func(asked) {})
		var handed *schema.Acquire
		local := serveHere(t, s, func(l *bus.Local, inbox string, m any) {
			if m, is := m.(*schema.Acquire); is {
				handed = m
				l.Answer(inbox, &schema.Reply{Status: schema.StatusGranted, Token: 7})
			}
		})
		c := s.Client(&client.Options{TTL: time.Hour, Local: local})
		ttl := int64(60_000)
		m := &schema.Acquire{Name: "a", TTL: &ttl, Meta: schema.Meta(`{ "z":1.0, "a":{} }`)}
		must[*schema.Reply](t)(c.Call(t.Context(), schema.VerbAcquire, m))
		if handed == m || handed.TTL == m.TTL || *handed.TTL != ttl || string(handed.Meta) != `{"a":{},"z":1}` || string(m.Meta) != `{ "z":1.0, "a":{} }` {
			t.Errorf("handed %+v, meta %s", handed, handed.Meta)
		}
	})
}

// A worker does to what it is handed what it does to what is sent.
func TestALockIsTheSameHereAndElsewhere(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		here, elsewhere := s.Client(&client.Options{Local: s.Local(), Label: "one"}), s.Client(&client.Options{Label: "one"})
		acquire := func(c *client.Client, m *schema.Acquire) *schema.Reply {
			t.Helper()
			return must[*schema.Reply](t)(c.Call(t.Context(), schema.VerbAcquire, m))
		}
		ttl := int64(60_000)
		first := acquire(here, &schema.Acquire{Name: "a", Owner: "o", Request: "r", Client: "one", TTL: &ttl, Meta: schema.Meta(`{"b":[],"a":"x"}`)})
		again := acquire(elsewhere, &schema.Acquire{Name: "a", Owner: "o", Request: "r", Client: "one", TTL: &ttl})
		if first.Status != schema.StatusGranted || again.Status != schema.StatusGranted || first.Token != again.Token {
			t.Errorf("%+v, repeated elsewhere %+v", first, again)
		}
		for _, c := range []*client.Client{here, elsewhere} {
			held := acquire(c, &schema.Acquire{Name: "a", Owner: "p"})
			if held.Status != schema.StatusHeld || len(held.Holders) != 1 || string(held.Holders[0].Meta) != `{"a":"x","b":[]}` {
				t.Errorf("%+v", held)
			}
		}
		done := make(chan *schema.Reply)
		go func() {
			reply, err := here.Call(t.Context(), schema.VerbAcquire, &schema.Acquire{Name: "a", Owner: "p", Wait: 10_000})
			if err != nil {
				t.Error(err)
			}
			done <- reply
		}()
		time.Sleep(time.Second) // of the bubble
		if r := must[*schema.Reply](t)(elsewhere.Call(t.Context(), schema.VerbRelease, &schema.Release{Name: "a", Token: first.Token})); r.Status != schema.StatusReleased {
			t.Errorf("%+v", r)
		}
		if r := <-done; r == nil || r.Status != schema.StatusGranted || r.Token <= first.Token {
			t.Errorf("waiter: %+v", r)
		}
	})
}

// A caller in this process that is gone is passed over, as any other.
func TestACallerHereThatIsGoneHoldsUpNobody(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		c := s.Client(&client.Options{Local: s.Local()})
		held := acquire(t, c, "a", client.TTL(time.Hour))
		gone := must[*bus.Caller](t)(bus.NewCaller(s.Conn(), s.Local()))
		e := gone.Open()
		m := &schema.Acquire{Name: "a", Client: "gone", Owner: "gone", Request: "r", Wait: 3_600_000}
		if !e.Hand(schema.RequestSubject("default", schema.VerbAcquire, ""), m) {
			t.Fatal("not handed over")
		}
		time.Sleep(time.Second) // of the bubble: it waits
		e.Close()
		ok(t, gone.Close())
		start := time.Now()
		next := make(chan *client.Lock)
		go func() {
			l, err := c.Acquire(t.Context(), "a", client.TTL(time.Hour))
			if err != nil {
				t.Error(err)
			}
			next <- l
		}()
		time.Sleep(time.Second)
		ok(t, held.Release(t.Context()))
		if l := <-next; l == nil || time.Since(start) > 5*time.Second {
			t.Errorf("granted after %s", time.Since(start))
		}
	})
}

// Who is handed over keeps its grant, too, though nobody here waits for it any more.
func TestWhoIsHandedOverKeepsItsGrant(t *testing.T) {
	inBubble(t, func(t *testing.T, s *clienttest.Server) {
		here, elsewhere := s.Client(&client.Options{Local: s.Local()}), s.Client(nil)
		held := acquire(t, here, "a", client.TTL(time.Hour))
		ttl := int64(3_600_000)
		attempt := &schema.Acquire{Name: "a", Client: "b", Owner: "b", Request: "r", Wait: 30_000, TTL: &ttl}
		ctx, cancel := context.WithCancelCause(t.Context())
		waited := make(chan error)
		go func() {
			_, err := here.Call(ctx, schema.VerbAcquire, attempt)
			waited <- err
		}()
		time.Sleep(time.Second) // of the bubble: it waits
		cancel(client.ErrHandedOver)
		wantErr(t, <-waited, client.ErrHandedOver)
		next := make(chan struct{})
		go func() {
			defer close(next)
			if _, err := elsewhere.Acquire(t.Context(), "a", client.Wait(20*time.Second)); err == nil {
				t.Error("the next one was granted the lock")
			}
		}()
		time.Sleep(time.Second)
		ok(t, held.Release(t.Context()))
		time.Sleep(time.Second)
		if r := must[*schema.Reply](t)(elsewhere.Call(t.Context(), schema.VerbAcquire, attempt)); r.Status != schema.StatusGranted {
			t.Errorf("repeated elsewhere: %+v", r)
		}
		<-next
	})
}
