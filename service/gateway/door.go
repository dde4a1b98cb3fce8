package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/bus"
)

// Limits bound what comes in by a door. Zero is the default.
type Limits struct {
	Connections int // at the same time. Default: 10,000
	Requests    int // of one connection at the same time. Default: 128
	Waiters     int // of them, those that wait for a lock or for events. Default: 64
	Size        int // of one request, in bytes. Default: 64 KiB
}

func (l Limits) withDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 10_000)
	l.Requests = cmp.Or(l.Requests, 128)
	l.Waiters = cmp.Or(l.Waiters, 64)
	l.Size = cmp.Or(l.Size, 64<<10)
	return l
}

// Limit is one of the Limits.
type Limit string

// The Limits by their names, as metrics show them.
const (
	LimitConnections Limit = "connections"
	LimitRequests    Limit = "requests"
	LimitWaiters     Limit = "waiters"
	LimitSize        Limit = "size"
	LimitSessions    Limit = "sessions" // of a door that counts them as its connections
)

// spare is how many connections beyond their limit are let in to be told so.
const spare = 128

// Door bounds and counts what comes in one way.
type Door struct {
	limits      Limits
	counts      Limit // what its connections are
	connections atomic.Int64
	log         *slog.Logger

	open     prometheus.Gauge
	requests prometheus.Gauge
	waiters  prometheus.Gauge
	refused  *prometheus.CounterVec
	denied   prometheus.Counter
}

// meters are the metrics of all doors.
type meters struct {
	open, requests, waiters *prometheus.GaugeVec
	refused, denied         *prometheus.CounterVec
}

// Door makes the door of a name, one of each.
func (g *Gateway) Door(name string) (*Door, error) { return g.door(name, LimitConnections) }

// SessionDoor makes a door whose connections are sessions, which outlive what they come by.
func (g *Gateway) SessionDoor(name string) (*Door, error) { return g.door(name, LimitSessions) }

func (g *Gateway) door(name string, counts Limit) (*Door, error) {
	gauge := func(what, help string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "natslock_door_" + what, Help: help}, []string{"door"})
	}
	m := meters{
		open:     gauge("connections", "Connections that are open."),
		requests: gauge("requests", "Calls that are being answered."),
		waiters:  gauge("waiters", "Calls that wait for a lock or for events."),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "natslock_door_refused_total", Help: "What was refused because it was beyond a limit.",
		}, []string{"door", "limit"}),
		denied: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "natslock_door_denied_total", Help: "Calls that were refused because of the web site, the name or the credentials they came with.",
		}, []string{"door"}),
	}
	for _, err := range []error{
		register(g.config.Metrics, &m.open), register(g.config.Metrics, &m.requests),
		register(g.config.Metrics, &m.waiters), register(g.config.Metrics, &m.refused), register(g.config.Metrics, &m.denied),
	} {
		if err != nil {
			return nil, fmt.Errorf("door %s: %w", name, err)
		}
	}
	d := &Door{
		limits: g.config.Limits, counts: counts, log: bus.SeldomLogger(g.config.Logger.With("door", name)),
		open: m.open.WithLabelValues(name), requests: m.requests.WithLabelValues(name), waiters: m.waiters.WithLabelValues(name),
		refused: m.refused.MustCurryWith(prometheus.Labels{"door": name}), denied: m.denied.WithLabelValues(name),
	}
	for _, limit := range []Limit{counts, LimitRequests, LimitWaiters, LimitSize} {
		d.refused.WithLabelValues(string(limit))
	}
	return d, nil
}

// register registers a metric, or finds the one that another door has registered.
func register[C prometheus.Collector](r prometheus.Registerer, c *C) error {
	err := r.Register(*c)
	var there prometheus.AlreadyRegisteredError
	if errors.As(err, &there) {
		*c = there.ExistingCollector.(C)
		return nil
	}
	return err
}

// Limits returns the limits of the door.
func (d *Door) Limits() Limits { return d.limits }

// Refuse counts what is refused because it is beyond a limit.
func (d *Door) Refuse(l Limit) { d.refused.WithLabelValues(string(l)).Inc() }

// Deny counts a call that is refused because of where it comes from, and logs why, once
// in a while. Who called may be a page that tells nobody, so whoever has forgotten to
// name a web site finds it here.
func (d *Door) Deny(why, from string) {
	d.denied.Inc()
	d.log.Warn("a call was denied", "why", why, "from", from)
}

// Connection is one connection, which asks and waits.
type Connection struct {
	door     *Door
	beyond   bool
	requests atomic.Int64
	waiters  atomic.Int64
	closed   atomic.Bool
}

// Connect lets a connection in, or returns nil when there are so many that it is to
// be closed at once. A connection beyond the limit is let in if there are not many
// more, so that it can be told.
func (d *Door) Connect() *Connection {
	n := d.connections.Add(1)
	beyond := n > int64(d.limits.Connections)
	if beyond {
		d.Refuse(d.counts)
	}
	if n > int64(d.limits.Connections)+spare {
		d.connections.Add(-1)
		return nil
	}
	d.open.Inc()
	return &Connection{door: d, beyond: beyond}
}

// Close takes note that the connection is closed. A second time does nothing.
func (c *Connection) Close() {
	if c.closed.CompareAndSwap(false, true) {
		c.door.connections.Add(-1)
		c.door.open.Dec()
	}
}

// Beyond tells whether the connection is one too many, and only let in to be told.
func (c *Connection) Beyond() bool { return c.beyond }

// Request begins a request, if the connection may have one more. end is nil if not.
func (c *Connection) Request() (end func()) {
	return c.take(&c.requests, c.door.limits.Requests, c.door.requests, LimitRequests)
}

// Wait begins a request's waiting, if the connection may have one more that waits.
// end is nil if not.
func (c *Connection) Wait() (end func()) {
	return c.take(&c.waiters, c.door.limits.Waiters, c.door.waiters, LimitWaiters)
}

func (c *Connection) take(count *atomic.Int64, most int, gauge prometheus.Gauge, l Limit) (end func()) {
	if count.Add(1) > int64(most) {
		count.Add(-1)
		c.door.Refuse(l)
		return nil
	}
	gauge.Inc()
	return func() {
		gauge.Dec()
		count.Add(-1)
	}
}
