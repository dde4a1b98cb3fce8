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
		next().is(t, event{Type: "queued", Name: "a", Client: "y", Owner: "2", Mode: "shared"}, -1, -1)

		b.send(&schema.Acquire{Name: "a", Client: "z", Owner: "3", Request: "r", Wait: 1000})
		next().is(t, event{Type: "queued", Name: "a", Client: "z", Owner: "3", Mode: "exclusive"}, -1, -1)

		b.pass(2 * time.Second)
		next().is(t, event{Type: "canceled", Name: "a", Client: "z", Owner: "3", Mode: "exclusive", Reason: "timeout"}, 1000, -1)

		b.send(&schema.Acquire{Name: "a", Client: "z", Owner: "4", Request: "s", Wait: 60_000})
		next().is(t, event{Type: "queued", Name: "a", Client: "z", Owner: "4", Mode: "exclusive"}, -1, -1)
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

// Each of several names tells how long all were waited for.
func TestGrantsOfSeveralNamesTellOfTheWait(t *testing.T) {
	inBubble(t, func(b *bubble) {
		token := b.lock(&schema.Acquire{Name: "b", Client: "x"})
		b.settle()
		events := b.watch()
		all := b.send(&schema.Acquire{Names: []string{"c", "b", "a"}, Client: "y", Owner: "o", Wait: 60_000})
		b.pass(3 * time.Second)
		b.unlock("b", token)
		tokens := map[string]uint64{}
		for _, l := range all.want(schema.StatusGranted).Locks {
			tokens[l.Name] = l.Token
		}
		b.settle()
		var granted []string
		for _, e := range events() {
			if want := (event{Type: e.Type, Name: e.Name, Client: "y", Owner: "o", Mode: "exclusive", Token: tokens[e.Name]}); e.Type == "granted" {
				granted = append(granted, e.Name)
				e.is(t, want, 3000, -1)
			}
		}
		if want := []string{"a", "b", "c"}; !equal(granted, want) {
			t.Errorf("granted %q, want %q", granted, want)
		}
	})
}

// The reasons are those that the protocol lists.
func TestReasonsOfEvents(t *testing.T) {
	inBubble(t, func(b *bubble) {
		events := b.watch()
		b.open("c", "left")
		b.open("c", "silent")
		b.on("cut", 7, 0)
		acquire := func(m *schema.Acquire) *pending {
			m.Name, m.Client = "a", "c"
			p := b.send(m)
			b.pass(5 * time.Millisecond)
			return p
		}
		token := b.lock(&schema.Acquire{Name: "a", Client: "holder", TTL: ms(60_000)})
		acquire(&schema.Acquire{Owner: "left", Session: "left", Wait: schema.WaitForever})
		acquire(&schema.Acquire{Owner: "cut", Session: "cut", Wait: schema.WaitForever})
		acquire(&schema.Acquire{Owner: "silent", Session: "silent", Wait: schema.WaitForever})
		acquire(&schema.Acquire{Owner: "timeout", Wait: 1000})
		acquire(&schema.Acquire{Owner: "canceled", Request: "r", Wait: 60_000})
		b.want(schema.StatusCanceled, &schema.Cancel{Name: "a", Client: "c", Request: "r"})
		b.as("c", &schema.Leave{Session: "left"}).want(schema.StatusOK)
		b.closed(7)
		b.pass(12 * time.Second)
		acquire(&schema.Acquire{Owner: "first", Mode: schema.ModeShared, Size: 2, Wait: 60_000, TTL: ms(60_000)})
		acquire(&schema.Acquire{Owner: "size_mismatch", Mode: schema.ModeShared, Size: 3, Wait: 60_000})
		acquire(&schema.Acquire{Owner: "first", Mode: schema.ModeShared, Size: 2, Wait: 60_000, TTL: ms(60_000)})
		b.unlock("a", token)
		dead := &pending{caller: b.caller, sub: &nats.Subscription{Subject: b.nc.NewInbox()}}
		dead.send(&schema.Acquire{Name: "b", Client: "c", Owner: "undone"})
		b.settle()
		got := map[string]string{}
		for _, e := range events() {
			if e.Type == "canceled" || e.Type == "released" && e.Client == "c" {
				got[e.Owner] = e.Reason
			}
		}
		for owner, reason := range map[string]string{
			"left": "leave", "cut": "disconnect", "silent": "silence", "timeout": "timeout", "canceled": "",
			"size_mismatch": "size_mismatch", "first": "already", "undone": "undone",
		} {
			if r, ok := got[owner]; !ok || r != reason {
				t.Errorf("%s ended (%t) with the reason %q", owner, ok, r)
			}
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
