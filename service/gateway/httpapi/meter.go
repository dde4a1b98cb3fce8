package httpapi

import (
	"fmt"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts calls.
type meter struct {
	calls   *prometheus.CounterVec
	seconds *prometheus.HistogramVec
}

func newMeter(r prometheus.Registerer) (*meter, error) {
	m := &meter{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "natslock_http_calls_total", Help: "Calls over HTTP that were answered; 0 is the code of those whose caller had hung up.",
		}, []string{"call", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "natslock_http_seconds", Help: "From the receipt of a call over HTTP to its answer, with the waiting for a lock.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60},
		}, []string{"call"}),
	}
	for _, c := range []prometheus.Collector{m.calls, m.seconds} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("http: %w", err)
		}
	}
	return m, nil
}

// answered counts a call.
func (m *meter) answered(id string, code int, took time.Duration) {
	m.calls.WithLabelValues(id, strconv.Itoa(code)).Inc()
	m.seconds.WithLabelValues(id).Observe(took.Seconds())
}
