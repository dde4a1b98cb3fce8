package client

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/natslock/natslock/schema"
)

// listen has the Client hear at once when one of its holds is ended by force.
func (c *Client) listen() (err error) {
	c.forces, err = c.nc.Subscribe(schema.EventSubject(c.options.Realm, schema.EventForced), c.forced)
	if err != nil {
		return fmt.Errorf("subscribe to events: %w", err)
	}
	return nil
}

func (c *Client) unlisten() error {
	if err := c.forces.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("unsubscribe from events: %w", err)
	}
	return nil
}

// forced hears of a hold that was ended by force. If it is one of the Client's
// it is renewed now instead of later, or if it has no TTL, the service is asked.
// Only the service's answer to that ends the lock: anybody might have published
// the event.
func (c *Client) forced(m *nats.Msg) {
	var e schema.Event
	if err := schema.Decode(schema.JSON, m.Data, &e); err != nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	l := c.findLocked(hold{name: e.Name, token: e.Token})
	if l == nil || l.cause != nil {
		return
	}
	if l.forced = "ended by force"; e.Reason != "" {
		l.forced += ": " + e.Reason
	}
	l.askLocked()
}

// askLocked has the lock renewed now, or if it has no TTL, the service asked whether
// it is held: it may not be.
func (l *Lock) askLocked() {
	if !l.noRenew && !l.renewing {
		l.c.setLocked(l, l.c.now())
	}
}
