package service

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service/lock"
)

// What the histograms tell apart, in seconds.
var (
	quick = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	long  = []float64{.001, .005, .025, .1, .5, 1, 5, 15, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600}
)

// meter measures a worker. docs/metrics.md says what for.
type meter struct {
	requests    map[schema.Verb]map[schema.Status]prometheus.Counter
	latency     map[schema.Verb]prometheus.Observer
	waited      prometheus.Histogram
	held        prometheus.Histogram
	ended       map[string]prometheus.Counter // by how
	orphaned    map[schema.Reason]prometheus.Counter
	undone      prometheus.Counter
	conflicts   prometheus.Counter
	folded      prometheus.Histogram
	stored      prometheus.Histogram
	records     prometheus.Gauge
	garbage     prometheus.Gauge
	collected   prometheus.Gauge
	uncollected prometheus.Counter
	dropped     prometheus.Counter // events

	all []prometheus.Collector
}

func newMeter() *meter {
	m := &meter{
		requests: map[schema.Verb]map[schema.Status]prometheus.Counter{},
		latency:  map[schema.Verb]prometheus.Observer{},
		ended:    map[string]prometheus.Counter{},
		orphaned: map[schema.Reason]prometheus.Counter{},
	}
	m.waited = m.histogram("wait_seconds", "How long what was granted after a wait had been waited for.", long)
	m.held = m.histogram("hold_seconds", "How long what has ended was held.", long)
	m.undone = m.counter("undone_total", "Grants that were taken back because nobody listened for them.")
	m.conflicts = m.counter("conflicts_total", "Writes that another worker's write had made void, and that were decided anew.")
	m.folded = m.histogram("write_commands", "Commands that one write of a lock took together.", []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512})
	m.stored = m.histogram("store_seconds", "How long the store took to acknowledge a write.", quick)
	m.records = m.gauge("records", "Records in the bucket of the locks, when it was last looked at.")
	m.garbage = m.gauge("garbage_records", "Those of them that are of locks which nobody uses, when it was last looked at.")
	m.collected = m.gauge("collected_timestamp_seconds", "When this worker last dropped records of locks which nobody uses; 0 is never.")
	m.uncollected = m.counter("collect_failures_total", "Attempts to drop records of locks which nobody uses that failed.")
	m.dropped = m.counter("events_dropped_total", "Events that were not published: they came faster than they could be told to all who listen, or the connection was gone.")
	requests := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "requests_total", Help: "Requests that were answered, by verb and status.",
	}, []string{"verb", "status"})
	latency := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: prefix + "request_seconds", Help: "How long a request took from its receipt to its answer. Waiting for a lock is not in it.", Buckets: quick,
	}, []string{"verb"})
	orphaned := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "orphaned_total", Help: "Holds that ended with their sessions, by reason.",
	}, []string{"reason"})
	ended := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: prefix + "ended_total", Help: "Holds that have ended, by how.",
	}, []string{"how"})
	m.all = append(m.all, requests, latency, orphaned, ended)
	for _, how := range endings {
		m.ended[how] = ended.WithLabelValues(how)
	}
	for _, verb := range schema.Verbs() {
		m.requests[verb] = map[schema.Status]prometheus.Counter{}
		for _, status := range schema.Statuses() {
			m.requests[verb][status] = requests.WithLabelValues(string(verb), string(status))
		}
		m.latency[verb] = latency.WithLabelValues(string(verb))
	}
	for _, reason := range []schema.Reason{schema.ReasonSilence, schema.ReasonDisconnect} {
		m.orphaned[reason] = orphaned.WithLabelValues(string(reason))
	}
	return m
}

// undone is how a hold ended whose grant was taken back. Its event is that of a
// release, which nobody has asked for.
const undone = string(schema.ReasonUndone)

// endings are how holds end.
var endings = []string{
	string(schema.EventReleased), string(schema.EventExpired), string(schema.EventOrphaned), string(schema.EventForced), undone,
}

// prefix begins the names of all metrics.
const prefix = "natslock_"

func (m *meter) counter(name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: prefix + name, Help: help})
	m.all = append(m.all, c)
	return c
}

func (m *meter) gauge(name, help string) prometheus.Gauge {
	g := prometheus.NewGauge(prometheus.GaugeOpts{Name: prefix + name, Help: help})
	m.all = append(m.all, g)
	return g
}

func (m *meter) histogram(name, help string, buckets []float64) prometheus.Histogram {
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: prefix + name, Help: help, Buckets: buckets})
	m.all = append(m.all, h)
	return h
}

// answered counts an answer. asked is when the request came; zero if that says
// nothing about the service, because it waited.
func (m *meter) answered(verb schema.Verb, status schema.Status, asked time.Time) {
	if c := m.requests[verb][status]; c != nil {
		c.Inc()
	}
	if l := m.latency[verb]; l != nil && !asked.IsZero() {
		l.Observe(time.Since(asked).Seconds())
	}
}

// happened counts an event. Its times are those of wall clocks, as people see them.
func (m *meter) happened(e *lock.Event, at time.Time) {
	how := string(e.Type)
	switch e.Type {
	case schema.EventGranted:
		if waited := between(e.QueuedAt, e.GrantedAt); waited != nil {
			m.waited.Observe(float64(*waited) / 1000)
		}
		return
	case schema.EventQueued, schema.EventCanceled:
		return
	case schema.EventOrphaned:
		if c := m.orphaned[e.Reason]; c != nil {
			c.Inc()
		}
	case schema.EventExpired, schema.EventForced:
	case schema.EventReleased:
		if e.Reason == schema.ReasonUndone {
			how = undone
			m.undone.Inc()
		}
	}
	m.ended[how].Inc()
	if held := between(e.GrantedAt, at.UnixMilli()); held != nil {
		m.held.Observe(float64(*held) / 1000)
	}
}

// register makes the metrics known, beside those that are counted when they are
// asked for.
func (w *Worker) register(to prometheus.Registerer) error {
	for _, c := range append(w.meter.all, census{w}) {
		if err := to.Register(c); err != nil {
			return err
		}
	}
	return nil
}

// census counts what there is when it is asked.
type census struct{ w *Worker }

var (
	descHolds    = prometheus.NewDesc(prefix+"holds", "Holds, as this worker knows them.", nil, nil)
	descWaiters  = prometheus.NewDesc(prefix+"waiters", "Acquires that wait, as this worker knows them.", nil, nil)
	descLocks    = prometheus.NewDesc(prefix+"locks", "Locks that are held or waited for, or were a minute ago.", nil, nil)
	descSessions = prometheus.NewDesc(prefix+"sessions", "Presences that are open, as this worker knows them.", nil, nil)
	descBytes    = prometheus.NewDesc(prefix+"store_bytes", "Bytes that a bucket takes.", []string{"bucket"}, nil)
	descLimit    = prometheus.NewDesc(prefix+"store_limit_bytes", "Bytes beyond which a bucket takes nothing new; 0 if no limit is known.", []string{"bucket"}, nil)
	descFull     = prometheus.NewDesc(prefix+"store_full", "1 while what would make a bucket larger is refused.", []string{"bucket"}, nil)
	descPending  = prometheus.NewDesc(prefix+"requests_pending", "Requests that are being decided.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c census) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(c, to) }

// Collect implements prometheus.Collector.
func (c census) Collect(to chan<- prometheus.Metric) {
	holds, waiters, locks := 0, 0, 0
	c.w.replica.each(func(a *actor) {
		locks++
		holds += len(a.record.Holds)
		waiters += len(a.record.Waiters) + len(a.record.Sets)
	})
	for desc, n := range map[*prometheus.Desc]int{
		descHolds: holds, descWaiters: waiters, descLocks: locks,
		descSessions: c.w.sessions.open(), descPending: int(c.w.flights.requests.Load()),
	} {
		to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n))
	}
	for _, k := range []*keeper{c.w.keeper, c.w.sessions.keeper} {
		used, limit, scarce, _ := k.space.state()
		full := 0
		if scarce {
			full = 1
		}
		for desc, n := range map[*prometheus.Desc]int64{descBytes: used, descLimit: limit, descFull: int64(full)} {
			to <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(n), k.what)
		}
	}
}
