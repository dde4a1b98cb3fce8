package service_test

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/natslock/natslock/schema"
	"github.com/natslock/natslock/service"
)

// metered runs a test with one worker whose metrics can be read: as
// name{labels} to value, of a histogram the sum and count.
func metered(t *testing.T, test func(b *bubble, read func(name string, labels ...string) float64)) {
	t.Helper()
	inBubbleOf(t, 0, func(b *bubble) {
		registry := prometheus.NewPedanticRegistry()
		b.start(b.store, &service.Config{Metrics: registry})
		test(b, func(name string, labels ...string) float64 {
			t.Helper()
			b.settle()
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range families {
				for _, m := range f.Metric {
					var have []string
					for _, l := range m.Label {
						have = append(have, l.GetValue())
					}
					base, part, _ := strings.Cut(name, "/")
					if f.GetName() != "natslock_"+base || strings.Join(have, " ") != strings.Join(labels, " ") {
						continue
					}
					switch {
					case part == "sum":
						return m.Histogram.GetSampleSum()
					case part == "count":
						return float64(m.Histogram.GetSampleCount())
					case m.Counter != nil:
						return m.Counter.GetValue()
					default:
						return m.Gauge.GetValue()
					}
				}
			}
			t.Fatalf("no metric %s %q", name, labels)
			return 0
		})
	})
}

func TestMetrics(t *testing.T) {
	metered(t, func(b *bubble, read func(string, ...string) float64) {
		is := func(want float64, name string, labels ...string) {
			t.Helper()
			if got := read(name, labels...); got != want {
				t.Errorf("%s %q is %v, want %v", name, labels, got, want)
			}
		}
		b.open("c", "s")
		b.present("c", "s", "a")
		token := b.lock(&schema.Acquire{Name: "b", Client: "x"})
		b.want(schema.StatusHeld, &schema.Acquire{Name: "b", Client: "y"})
		next := b.send(&schema.Acquire{Name: "b", Client: "z", Wait: 60_000})
		b.pass(4 * time.Second)
		is(2, "holds")
		is(1, "waiters")
		is(2, "locks")
		is(1, "sessions")
		is(0, "requests_pending")
		b.unlock("b", token)
		next.want(schema.StatusGranted)
		is(3, "requests_total", "granted", "acquire")
		is(1, "requests_total", "held", "acquire")
		is(1, "requests_total", "released", "release")
		is(1, "requests_total", "ok", "keepalive")
		is(0, "requests_total", "internal", "acquire")
		is(3, "request_seconds/count", "acquire") // the one that waited is not among them
		is(1, "wait_seconds/count")
		is(4, "wait_seconds/sum")
		is(1, "hold_seconds/count")
		is(4, "hold_seconds/sum")
		b.pass(10 * time.Second)
		is(1, "orphaned_total", "silence")
		is(0, "orphaned_total", "disconnect")
		is(0, "sessions")
		other := b.lock(&schema.Acquire{Name: "c", Client: "x"})
		b.leave(&schema.Acquire{Name: "c", Client: "gone", Wait: 1000})
		b.unlock("c", other)
		is(1, "undone_total")
		is(0, "conflicts_total")
		b.lock(&schema.Acquire{Name: "d", Client: "x", TTL: ms(1000)})
		b.pass(3 * time.Second)
		b.lock(&schema.Acquire{Name: "d", Client: "x"})
		b.want(schema.StatusReleased, &schema.Force{Name: "d"})
		for how, n := range map[string]float64{"released": 2, "expired": 1, "orphaned": 1, "forced": 1, "undone": 1} {
			is(n, "ended_total", how)
		}
		is(6, "hold_seconds/count") // each of them once
		if writes := read("store_seconds/count"); writes < read("write_commands/count") || writes < 6 {
			t.Errorf("%v writes", writes)
		}
	})
}

func TestMetricsAreWellNamed(t *testing.T) {
	registry := prometheus.NewRegistry()
	if _, err := service.New(nil, nil, nil, &service.Config{Metrics: registry}); err != nil {
		t.Fatal(err)
	}
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("%+v, %v", problems, err)
	}
	if _, err := service.New(nil, nil, nil, &service.Config{Metrics: registry}); err == nil {
		t.Error("the same metrics twice")
	}
}
