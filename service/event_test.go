package service_test

import (
	"encoding/json"

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
