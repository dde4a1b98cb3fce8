package service_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// event is an event as a subscriber decodes it.
type event struct {
	Type, Realm, Name, Client, Owner, Session, Mode, Reason string
	Token                                                   uint64
	Waited                                                  *int64 `json:"waited_ms"`
	Held                                                    *int64 `json:"held_ms"`
	At                                                      string
}

// watch subscribes to the events of the realm; the function that it returns
// gives those that have come.
func (c *caller) watch() (events func() []event) {
	c.t.Helper()
	sub, err := c.nc.SubscribeSync(schema.RealmEvents(realm))
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.nc.Flush(); err != nil {
		c.t.Fatal(err)
	}
	var list []event
	return func() []event {
		for {
			n, _, err := sub.Pending()
			if err != nil {
				c.t.Fatal(err)
			}
			if n == 0 {
				return list
			}
			list = append(list, c.next(sub))
		}
	}
}

// next takes one event.
func (c *caller) next(sub *nats.Subscription) event {
	c.t.Helper()
	msg, err := sub.NextMsg(c.patience)
	if err != nil {
		c.t.Fatal(err)
	}
	var e event
	if err := json.Unmarshal(msg.Data, &e); err != nil {
		c.t.Fatalf("event %q: %v", msg.Data, err)
	}
	if want := schema.EventSubject(realm, schema.EventType(e.Type)); msg.Subject != want {
		c.t.Fatalf("event %q on %s, want %s", msg.Data, msg.Subject, want)
	}
	return e
}

// events is watch in short: type and client of each.
func (b *bubble) events() func() []string {
	events := b.watch()
	return func() []string {
		b.settle()
		var list []string
		for _, e := range events() {
			list = append(list, e.Type+" "+e.Client)
		}
		return list
	}
}

// is fails the test unless e has these fields; times are in ms, -1 is none.
func (e event) is(t *testing.T, want event, waited, held int64) {
	t.Helper()
	at, err := time.Parse("2006-01-02T15:04:05.000Z", e.At)
	if err != nil || !at.Equal(time.Now().Truncate(time.Millisecond)) && at.After(time.Now()) {
		t.Errorf("%s at %q: %v", e.Type, e.At, err)
	}
	for _, d := range []struct {
		name string
		got  *int64
		want int64
	}{{"waited", e.Waited, waited}, {"held", e.Held, held}} {
		if d.want < 0 && d.got != nil || d.want >= 0 && (d.got == nil || *d.got < d.want || *d.got > d.want+1000) {
			t.Errorf("%s of %s: %s_ms is %v, want %d", e.Type, e.Client, d.name, d.got, d.want)
		}
	}
	e.At, e.Waited, e.Held = "", nil, nil
	want.Realm = realm
	if e != want {
		t.Errorf("event %+v, want %+v", e, want)
	}
}

func TestEventsTellTheStoryOfALock(t *testing.T) {
	inBubble(t, func(b *bubble) {
		events := b.watch()
		told := 0
		next := func() event {
			b.pass(5 * time.Millisecond) // a waiter that is not the first waits for company
			list := events()
			if len(list) <= told {
				b.t.Fatalf("no more events after %+v", list)
			}
			told++
			return list[told-1]
		}
		one := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "1"})
		next().is(t, event{Type: "granted", Name: "a", Client: "x", Owner: "1", Token: one, Mode: "exclusive"}, -1, -1)

		b.want(schema.StatusRenewed, &schema.Renew{Name: "a", Token: one})
		b.want(schema.StatusHeld, &schema.Acquire{Name: "a"})
		waiting := b.send(&schema.Acquire{Name: "a", Client: "y", Owner: "2", Wait: 60_000, TTL: ms(5000), Mode: schema.ModeShared})
		next().is(t, event{Type: "queued", Name: "a", Client: "y", Owner: "2", Mode: "shared"}, 0, -1)

		b.send(&schema.Acquire{Name: "a", Client: "z", Owner: "3", Request: "r", Wait: 1000})
		next().is(t, event{Type: "queued", Name: "a", Client: "z", Owner: "3", Mode: "exclusive"}, 0, -1)

		b.pass(2 * time.Second)
		next().is(t, event{Type: "canceled", Name: "a", Client: "z", Owner: "3", Mode: "exclusive", Reason: "timeout"}, 1000, -1)

		b.send(&schema.Acquire{Name: "a", Client: "z", Owner: "4", Request: "s", Wait: 60_000})
		next().is(t, event{Type: "queued", Name: "a", Client: "z", Owner: "4", Mode: "exclusive"}, 0, -1)
		b.want(schema.StatusCanceled, &schema.Cancel{Name: "a", Client: "z", Request: "s"})
		next().is(t, event{Type: "canceled", Name: "a", Client: "z", Owner: "4", Mode: "exclusive"}, 0, -1)

		b.unlock("a", one)
		next().is(t, event{Type: "released", Name: "a", Client: "x", Owner: "1", Token: one, Mode: "exclusive", Reason: "release"}, -1, 2000)
		two := waiting.want(schema.StatusGranted).Token
		next().is(t, event{Type: "granted", Name: "a", Client: "y", Owner: "2", Token: two, Mode: "shared"}, 2000, -1)

		b.pass(7 * time.Second)
		next().is(t, event{Type: "expired", Name: "a", Client: "y", Owner: "2", Token: two, Mode: "shared"}, 2000, 5000)

		three := b.lock(&schema.Acquire{Name: "a", Client: "x", Owner: "5"})
		next()
		b.want(schema.StatusReleased, &schema.Force{Name: "a", Reason: "stuck"})
		next().is(t, event{Type: "forced", Name: "a", Client: "x", Owner: "5", Token: three, Mode: "exclusive", Reason: "stuck"}, -1, 0)
		if list := events(); len(list) != told {
			t.Errorf("more events: %+v", list[told:])
		}
	})
}

func TestSeveralNamesHaveAnEventEach(t *testing.T) {
	inBubble(t, func(b *bubble) {
		events := b.watch()
		b.want(schema.StatusGranted, &schema.Acquire{Names: []string{"b", "a"}, Client: "x", Request: "r"})
		b.want(schema.StatusReleased, &schema.Cancel{Name: "a", Client: "x", Request: "r"})
		b.want(schema.StatusHeld, &schema.Acquire{Names: []string{"a", func() string { b.lock(&schema.Acquire{Name: "c"}); return "c" }()}})
		b.settle()
		var got []string
		for _, e := range events() {
			got = append(got, e.Type+" "+e.Name)
		}
		if want := []string{"granted a", "granted b", "released a", "released b", "granted c"}; !equal(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
